import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A relay in a process of its own, as people run it. */
export interface RelayProcess extends AsyncDisposable {
  readonly url: string;
  readonly mediaPort: number;
  readonly pid: number;
  /** Why it ended, if it did. */
  ended(): string | undefined;
}

/** Starts `tinysr-video relay` on free ports. @param options further flags */
export async function startRelayProcess(options: readonly string[]): Promise<RelayProcess> {
  const flags = ['relay', '--listen', '127.0.0.1:0', '--media-port', '0', ...options];
  const child = spawn(process.execPath, ['dist/cli/main.js', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  let end: string | undefined;
  child.once('exit', (code, signal) => {
    end = `${signal ?? `exit status ${code}`}: ${lines.slice(-5).join('\n')}`;
  });
  const found = new Promise<{ url: string; mediaPort: number }>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`the relay ended, ${end}`)));
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      const text = lines.join('\n');
      const url = /^relay: (http\S+)$/m.exec(text)?.[1];
      const port = /^media: .* port (\d+)$/m.exec(text)?.[1];
      if (url && port) resolve({ url, mediaPort: Number(port) });
    });
  });
  const { url, mediaPort } = await found;
  return {
    ...{ url, mediaPort, pid: child.pid ?? 0 },
    ended: () => end,
    async [Symbol.asyncDispose]() {
      if (end !== undefined) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}
