import { Refused } from './signal.js';
import { askToken, sentence, status } from './ui.js';

const SHORTEST_MS = 400;
const LONGEST_MS = 8000;
/** The relay's close code for those whose place was taken. */
const REPLACED = '4013';

/** What is to be kept connected. */
export interface Connected {
  /** One connection, from its beginning to its end; calls `settled` once it stands. @throws Refused at its end */
  once(settled: () => void): Promise<void>;
  /** Whether nobody wants it any more. */
  ended(): boolean;
  /** Says why there is no connection; undefined: there is one. */
  trouble(reason: string | undefined): void;
  /** Somebody else took this one's place; resolves when it is to be taken back. */
  replaced?(): Promise<void>;
}

/** Connects again and again, after ever longer waits, until nobody wants it any more. */
export async function stayConnected({ once, ended, trouble, replaced }: Connected): Promise<void> {
  let wait = SHORTEST_MS;
  while (!ended()) {
    status('busy', 'Connecting');
    try {
      await once(() => {
        wait = SHORTEST_MS;
        trouble(undefined);
      });
    } catch (error) {
      if (ended()) return;
      if (error instanceof Refused && error.code === 'unauthorized') {
        await askToken();
        continue;
      }
      status('bad', 'Not connected');
      const reason = sentence(error instanceof Error ? error.message : String(error));
      if (replaced && error instanceof Refused && error.code === REPLACED) {
        trouble(reason);
        await replaced();
        continue;
      }
      trouble(`${reason} Trying again …`);
    }
    if (ended()) return;
    // All who were thrown out together shall not come back together.
    await new Promise((resolve) => setTimeout(resolve, wait * (0.8 + Math.random() * 0.4)));
    wait = Math.min(LONGEST_MS, wait * 1.8);
  }
}
