/** Whether a Node.js version, e.g. `20.19.4`, is at least 20.19. */
export function nodeIsRecentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}
