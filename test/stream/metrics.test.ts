import { describe, expect, it } from 'vitest';
import { labelValue } from '#src/stream/metrics.js';

describe('a label of the metrics', () => {
  it('may hold what an ONNX file is called', () => {
    expect(labelValue('tinysr-nano')).toBe('tinysr-nano');
    expect(labelValue('my "best" \\ one\n2')).toBe('my \\"best\\" \\\\ one\\n2');
  });
});
