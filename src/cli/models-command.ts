import { listModels, type ShippedModel } from '../infer/manifest.js';
import { table } from './print.js';

function score(model: ShippedModel, track: string, metric: string): string {
  const scores = model.quality[track] as Readonly<Record<string, number>> | undefined;
  const value = scores?.[metric];
  return value === undefined ? '-' : value.toFixed(metric === 'lpips' ? 4 : 2);
}

/** Lists the models that ship: size, cost, quality, licence. */
export async function modelsCommand({ json }: { readonly json?: boolean }): Promise<void> {
  const models = await listModels();
  if (json) {
    process.stdout.write(`${JSON.stringify(models, null, 2)}\n`);
    return;
  }
  const head = ['model', 'scale', 'weights', 'MAC/px', 'PSNR-Y', 'LPIPS', 'degraded LPIPS', 'licence'];
  const rows = models.map((model) => [
    model.name,
    `x${model.scale}`,
    String(model.params ?? '-'),
    String(model.macsPerLrPixel ?? '-'),
    score(model, 'bicubic', 'psnrY'),
    score(model, 'bicubic', 'lpips'),
    score(model, 'degraded', 'lpips'),
    model.licence ?? '-',
  ]);
  process.stdout.write(`${table([head, ...rows])}\n`);
  process.stdout.write(
    '\nAny x2, x3 or x4 model of RGB or grey pictures in ONNX works too: --model file.onnx (docs/models.md).\n',
  );
}
