import { describe, expect, it } from 'vitest';
import { ClosingStack } from '#src/shared/closing-stack.js';

describe('a closing stack', () => {
  it('closes what was opened, last first, each once the one before is closed', async () => {
    const stack = new ClosingStack();
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      const opened = stack.use({ name }, async (thing) => {
        log.push(`${thing.name}…`);
        await new Promise((resolve) => setImmediate(resolve));
        log.push(thing.name);
      });
      expect(opened.name).toBe(name);
    }
    await stack.close();
    expect(log).toEqual(['c…', 'c', 'b…', 'b', 'a…', 'a']);
  });

  it('closes once, however often it is asked', async () => {
    const stack = new ClosingStack();
    let closed = 0;
    stack.use({}, () => {
      closed += 1;
    });
    await Promise.all([stack.close(), stack.close()]);
    await stack.close();
    expect(closed).toBe(1);
  });

  it('runs every closer even when one fails, and tells of the first failure', async () => {
    const stack = new ClosingStack();
    const log: string[] = [];
    stack.use({}, () => void log.push('first'));
    stack.use({}, () => Promise.reject(new Error('second')));
    stack.use({}, () => {
      throw new Error('third');
    });
    await expect(stack.close()).rejects.toThrow('third');
    expect(log).toEqual(['first']);
  });

  it('closes at once what comes while it closes or later, and whoever closes it again waits for that', async () => {
    const stack = new ClosingStack();
    const log: string[] = [];
    const opened = (name: string) =>
      stack.use(name, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        log.push(name);
      });
    opened('first');
    const closing = stack.close();
    expect(() => opened('late')).toThrow(expect.objectContaining({ code: 'TSR_INTERRUPTED' }));
    await closing;
    expect(() => opened('later')).toThrow(expect.objectContaining({ code: 'TSR_INTERRUPTED' }));
    await stack.close();
    expect(log.toSorted()).toEqual(['first', 'late', 'later']);
  });

  it('tells whoever closes it again of a failure to close what came late', async () => {
    const stack = new ClosingStack();
    await stack.close();
    expect(() => stack.use({}, () => Promise.reject(new Error('late')))).toThrow('stopped');
    await expect(stack.close()).rejects.toThrow('late');
  });
});
