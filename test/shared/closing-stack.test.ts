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
});
