/** Something that is missing and that the set-up could not install. The message is one line and says what to run. */
export class SetupError extends Error {}

/**
 * The line of a failed program's output that says most: the first one that reads like an error, else the last one.
 *
 * @param {unknown} error what `run` threw
 * @returns {string} one line
 */
export function reason(error) {
  const lines = String(error.output ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  const found = lines.find((line) =>
    /^(E:|error:|Error:|npm (error|ERR!)(?! (code|syscall|errno|type|path|A complete) ))/.test(line),
  );
  return (found ?? lines.at(-1) ?? error.message).slice(0, 300);
}
