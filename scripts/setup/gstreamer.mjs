import { run } from '../lib/run.mjs';
import { installPackages } from './packages.mjs';
import { SetupError } from './step.mjs';

/** Of a system's Python, as its GStreamer belongs to that one; another Python on PATH rarely has it. */
const PYTHONS = ['/usr/bin/python3', 'python3', '/opt/homebrew/bin/python3'];

/** Fails where a library, its Python binding or an element is missing that examples/whip-publish.py needs. */
const PROBE = `
import gi
for name in ("Gst", "GstSdp", "GstWebRTC"):
    gi.require_version(name, "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC
Gst.init(None)
needed = "webrtcbin nicesrc dtlsenc srtpenc vp8enc vp9enc opusenc rtpvp8pay rtpvp9pay rtph264pay videotestsrc audiotestsrc"
missing = [name for name in needed.split() if not Gst.ElementFactory.find(name)]
if not any(Gst.ElementFactory.find(name) for name in ("x264enc", "openh264enc")):
    missing.append("openh264enc")
if missing:
    raise SystemExit(f"Error: GStreamer has no {', '.join(missing)}")
print(*Gst.version()[:3], sep=".")
`;

/**
 * The Python that has GStreamer with WebRTC, for the tests of the relay: `TINYSR_GST_PYTHON` or the system's.
 *
 * @returns {Promise<{ python: string, version: string } | undefined>}
 */
export async function findGstreamer() {
  const named = process.env.TINYSR_GST_PYTHON;
  for (const python of named ? [named] : PYTHONS) {
    try {
      return { python, version: (await run(python, ['-c', PROBE], { timeoutMs: 60_000 })).trim() };
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

/**
 * Makes sure that there is GStreamer with WebRTC and its Python binding.
 *
 * @param {{ log: (line: string) => void }} options
 * @returns {Promise<string>} its version
 */
export async function setUpGstreamer({ log }) {
  const before = await findGstreamer();
  if (before) return before.version;
  await installPackages({
    problem: 'GStreamer with WebRTC is missing',
    names: {
      'apt-get': [
        [
          ...['gstreamer1.0-nice', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-bad'],
          ...['gir1.2-gst-plugins-bad-1.0', 'python3-gst-1.0'],
        ],
      ],
      dnf: [
        [
          ...[
            'libnice-gstreamer1',
            'gstreamer1-plugins-good',
            'gstreamer1-plugins-bad-free',
            'gstreamer1-plugin-openh264',
          ],
          'python3-gstreamer1',
        ],
      ],
      pacman: [['libnice', 'gst-plugins-good', 'gst-plugins-bad', 'gst-plugins-ugly', 'gst-python']],
      brew: [['libnice-gstreamer', 'gstreamer', 'pygobject3']],
    },
    otherwise: 'install GStreamer 1.20 or newer with webrtcbin and its Python binding, and set TINYSR_GST_PYTHON',
    log,
  });
  const after = await findGstreamer();
  if (!after) {
    throw new SetupError('GStreamer was installed but no Python finds it; set TINYSR_GST_PYTHON to one that does');
  }
  return after.version;
}
