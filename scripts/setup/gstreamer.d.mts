/** The Python that has GStreamer with WebRTC: `TINYSR_GST_PYTHON` or the system's. */
export function findGstreamer(): Promise<{ readonly python: string; readonly version: string } | undefined>;
