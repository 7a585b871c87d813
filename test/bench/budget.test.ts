import { afterEach, describe, expect, it, vi } from 'vitest';
import { Budget } from '#src/bench/budget.js';

describe('budget', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is spent by everything that passes', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const budget = new Budget(60_000, 30_000);
    expect(budget.leftMs).toBe(60_000);
    expect(budget.allowedMs()).toBe(30_000);
    vi.advanceTimersByTime(50_000);
    expect(budget).toMatchObject({ elapsedMs: 50_000, leftMs: 10_000 });
    // A job that began in time may end a little late.
    expect(budget.allowedMs()).toBeCloseTo(14_800);
    vi.advanceTimersByTime(50_000);
    expect(budget.leftMs).toBe(0);
    expect(budget.allowedMs()).toBe(500);
  });

  it('has no end without a limit', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const budget = new Budget(null, 30_000);
    vi.advanceTimersByTime(1e9);
    expect(budget.leftMs).toBe(Number.POSITIVE_INFINITY);
    expect(budget.allowedMs()).toBe(30_000);
  });
});
