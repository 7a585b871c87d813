/** Where JSON lines go: stdout, unless the video does. */
export function jsonStreamFor(files: readonly string[]): NodeJS.WritableStream {
  return files.at(-1) === '-' && files.length > 1 ? process.stderr : process.stdout;
}
