/** The browser that the tests drive: its path. */
export function findChromium(): string | undefined;
