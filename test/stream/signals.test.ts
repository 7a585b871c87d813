import { describe, expect, it, vi } from 'vitest';
import { startRelayProcess } from '../soak/relay-process.js';
import { children } from '../support/processes.js';
import { Client, TOKEN } from './client.js';

const PATIENCE = { timeout: 20_000, interval: 20 };

describe('signals to a relay that people watch', { timeout: 60_000 }, () => {
  async function occupied() {
    const relay = await startRelayProcess(['--token', TOKEN]);
    const page = new Client(relay);
    await page.hello('publish');
    const health = async () => (await fetch(new URL('/healthz', relay.url))).json();
    expect(await health()).toEqual({ ok: true, worker: true, draining: false });
    return { relay, page, health };
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('%s lets rooms empty, and media flow until then', async (signal) => {
    const { page, health, ...started } = await occupied();
    await using relay = started.relay;
    process.kill(relay.pid, signal);
    await vi.waitFor(async () => expect(await health()).toEqual({ ok: false, worker: true, draining: true }), PATIENCE);
    await page.close();
    await vi.waitFor(() => expect(relay.ended()).toContain('exit status 0'), PATIENCE);
  });

  it.each(['relay', 'worker'])(
    'ends at once when the media worker got the signal too, as it does from Ctrl-C in a terminal, and tells the pages (first: %s)',
    async (first) => {
      const { page, ...started } = await occupied();
      await using relay = started.relay;
      const worker = workerOf(relay.pid);
      const both = first === 'relay' ? [relay.pid, worker] : [worker, relay.pid];
      for (const pid of both) process.kill(pid, 'SIGINT');
      expect(await page.closed).toBe(4012);
      await vi.waitFor(() => expect(relay.ended()).toContain('exit status 0'), PATIENCE);
    },
  );

  it('ends without waiting at a second signal, and leaves no worker', async () => {
    const { health, ...started } = await occupied();
    await using relay = started.relay;
    const worker = workerOf(relay.pid);
    process.kill(relay.pid, 'SIGTERM');
    await vi.waitFor(async () => expect(await health()).toMatchObject({ draining: true }), PATIENCE);
    process.kill(relay.pid, 'SIGTERM');
    await vi.waitFor(() => expect(relay.ended()).toBeDefined(), PATIENCE);
    await vi.waitFor(() => expect(() => process.kill(worker, 0)).toThrow(), PATIENCE);
  });
});

/** Process id of a relay's media worker. */
function workerOf(pid: number): number {
  const found = children(pid).find(({ command }) => command.includes('mediasoup-worker'));
  if (!found) throw new Error('the relay has no media worker');
  return found.pid;
}
