/** Library entry of tinysr-video. */
export { probe } from './decode/probe.js';
export { CODECS, type Codec } from './encode/codecs.js';
export { listModels, type ShippedModel } from './infer/manifest.js';
export { chooseProvider, type DeviceReport, probeDevice } from './infer/providers.js';
export { resolveModel } from './infer/resolve-model.js';
export type * from './infer/types.js';
export { createUpscaler } from './infer/upscaler.js';
export type { PreviewOptions, UpscaleOptions, UpscaleVideoOptions } from './pipeline/options.js';
export { previewFrame } from './pipeline/preview-frame.js';
export type * from './pipeline/progress.js';
export { type UpscaledBatch, upscaleFrames } from './pipeline/upscale-frames.js';
export { upscaleVideo } from './pipeline/upscale-video.js';
export { ERROR_CODES, type ErrorCode, TinySRError } from './shared/errors.js';
export type { FrameBatch } from './shared/frame.js';
export { type FrameFormat, type FrameLayout, frameLayout } from './shared/layout.js';
export type * from './shared/media.js';
export type { RelayConfig, RelayOptions } from './stream/options.js';
export { createRelay, type Relay, type RelayState } from './stream/relay.js';
