/** What has to be undone however the process ends. Synchronous, as nothing else runs then. */
const undos = new Set<() => void>();
let listening = false;

/** Undoes everything that is still registered: ends children, removes temporaries. */
export function undoAll(): void {
  for (const undo of undos) {
    undos.delete(undo);
    try {
      undo();
    } catch {
      // The others must have their turn; a temporary that stays is recognised by the next run.
    }
  }
}

/**
 * Registers what must not be left behind when the process ends before it was cleaned up in order: by an error nobody
 * caught, by `process.exit()`, by a second Ctrl-C.
 *
 * @returns takes the registration back, once it was cleaned up
 */
export function asLastResort(undo: () => void): () => void {
  if (!listening) process.on('exit', undoAll);
  listening = true;
  undos.add(undo);
  return () => undos.delete(undo);
}
