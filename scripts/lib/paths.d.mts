/** The repository's root folder. */
export const ROOT: string;

/**
 * The script behind a command of an installed package, to be run by `process.execPath` so that no shell is needed.
 *
 * @param pkg package name
 * @param command its command; the package's name when absent
 * @returns path of a JavaScript file
 */
export function commandOf(pkg: string, command?: string): string;
