import { Command, Option } from 'commander';
import type { OptionDefinition } from '../shared/option-definition.js';

/** Whether an environment variable may be read: one that is empty says nothing, nor does a switch that is off. */
function mayBeRead(name: string, isSwitch: boolean): boolean {
  const text = process.env[name]?.trim();
  if (text === undefined) return true;
  return text !== '' && !(isSwitch && /^(0|false|no|off)$/i.test(text));
}

/** Adds options of a table to a command. */
export function addOptions(command: Command, options: readonly OptionDefinition[]): Command {
  for (const { flag, value, description, env, group, choices, parse, ...definition } of options) {
    const words = definition.default === undefined ? description : `${description} (default: ${definition.default})`;
    const option = new Option(value === undefined ? flag : `${flag} ${value}`, words);
    if (group !== undefined) option.helpGroup(group);
    if (env !== undefined && mayBeRead(env, value === undefined)) option.env(env);
    if (choices) option.choices([...choices]);
    if (parse) option.argParser(parse as (text: string, before: unknown) => unknown);
    command.addOption(option);
  }
  return command;
}

/** A command that throws instead of ending the process, and prints errors nowhere by itself. */
export function createCommand(name: string): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .showHelpAfterError(false);
}
