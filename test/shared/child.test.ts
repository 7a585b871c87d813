import { describe, expect, it } from 'vitest';
import { runChild, startChild } from '#src/shared/child.js';
import { children } from '../support/processes.js';

const node = (script: string) => ['-e', script];
const FOREVER = 'setInterval(() => {}, 1000)';

describe('a child process', () => {
  it('gives its output and its exit status', async () => {
    const script = `process.stdout.write('out'); process.stderr.write('err'); process.exitCode = 3`;
    const result = await runChild(process.execPath, node(script));
    expect(result).toMatchObject({ code: 3, signal: null, stderr: 'err' });
    expect(result.stdout.toString()).toBe('out');
  });

  it('takes its arguments as they are, with no shell between', async () => {
    const args = ['a b', '$HOME', '`id`', `'"`, '*', 'line\nbreak', ''];
    const result = await runChild(process.execPath, [
      ...node('console.log(JSON.stringify(process.argv.slice(1)))'),
      ...args,
    ]);
    expect(JSON.parse(result.stdout.toString())).toEqual(args);
  });

  it('that cannot start is a rejection', async () => {
    await expect(runChild('/no/such/program', [])).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('keeps the last lines of a long stderr', async () => {
    const script = `for (let i = 0; i < 20000; i++) process.stderr.write('line ' + i + '\\n')`;
    const { stderr } = await runChild(process.execPath, node(script));
    expect(stderr.endsWith('line 19999\n')).toBe(true);
    expect(stderr.length).toBeLessThanOrEqual(16_384);
  });

  it('is ended by kill, twice without harm', async () => {
    const child = startChild(process.execPath, node(FOREVER), ['ignore', 'ignore', 'pipe']);
    expect(children().map(({ pid }) => pid)).toContain(child.process.pid);
    await Promise.all([child.kill(), child.kill()]);
    await child.kill();
    expect(await child.exit).toMatchObject({ code: null, signal: 'SIGKILL' });
    expect(children().map(({ pid }) => pid)).not.toContain(child.process.pid);
  });

  it('is ended by an abort signal, also by one that came before', async () => {
    const abort = new AbortController();
    const running = runChild(process.execPath, node(FOREVER), { signal: abort.signal });
    abort.abort();
    expect((await running).signal).toBe('SIGKILL');
    const late = await runChild(process.execPath, node(FOREVER), { signal: AbortSignal.abort() });
    expect(late.signal).toBe('SIGKILL');
  });

  it('is ended when its time is up or it says too much', async () => {
    expect((await runChild(process.execPath, node(FOREVER), { timeoutMs: 50 })).signal).toBe('SIGKILL');
    const loud = await runChild(process.execPath, node(`for (;;) require('fs').writeSync(1, 'x'.repeat(1e5))`), {
      maxBytes: 1e6,
    });
    expect(loud.signal).toBe('SIGKILL');
    expect(loud.stdout.length).toBeLessThanOrEqual(1e6);
  });
});
