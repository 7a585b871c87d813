/** One command-line option. Parsing, help, environment variables and docs/options.md come from this. */
export interface OptionDefinition {
  /** Key of the parsed value. */
  readonly name: string;
  /** Flags as typed, e.g. `-o, --overwrite`. */
  readonly flag: string;
  /** Placeholder of the value; undefined for a switch. */
  readonly value?: string;
  readonly description: string;
  /** What holds when it is not given, in words. */
  readonly default?: string;
  /** Environment variable that gives it. */
  readonly env?: string;
  /** Heading in the help; undefined: the general one. */
  readonly group?: string;
  /** The values allowed. */
  readonly choices?: readonly string[];
  /** From text to value; throws commander's InvalidArgumentError. */
  readonly parse?: (text: string, before: never) => unknown;
}
