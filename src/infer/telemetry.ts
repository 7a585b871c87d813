// Onnxruntime reports its use to its maker and keeps a log of that in TMPDIR unless told not to. Imported for its effect
// before the runtime is: in the main thread too, as only there process.env is what native code sees.
process.env.ORT_DISABLE_TELEMETRY ??= '1';
