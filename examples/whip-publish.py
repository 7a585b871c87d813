#!/usr/bin/env python3
"""Publishes to a relay by WHIP (RFC 9725) with GStreamer's webrtcbin and plain HTTP, until Ctrl-C.

    /usr/bin/python3 examples/whip-publish.py http://127.0.0.1:8480/whip/test
    /usr/bin/python3 examples/whip-publish.py URL --video "v4l2src" --audio "pulsesrc" --codec h264

Debian and Ubuntu: apt install python3-gst-1.0 gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice gstreamer1.0-plugins-good \
gstreamer1.0-plugins-bad
"""

import argparse
import os
import signal
import sys
import urllib.error
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

# A key frame at least every four seconds; the relay asks for others when it needs them.
GOP_SECONDS = 4

# For each codec the encoders to look for, best first, how they are told to be quick, and what packs their pictures.
ENCODERS = {
    "vp8": [("vp8enc", "deadline=1 cpu-used=8 keyframe-max-dist={gop} target-bitrate={bits}")],
    "vp9": [("vp9enc", "deadline=1 cpu-used=8 keyframe-max-dist={gop} target-bitrate={bits}")],
    "h264": [
        ("x264enc", "tune=zerolatency speed-preset=veryfast key-int-max={gop} bitrate={kbits}"),
        ("openh264enc", "complexity=low gop-size={gop} bitrate={bits}"),
    ],
}
PACKERS = {
    "vp8": "rtpvp8pay picture-id-mode=15-bit",
    "vp9": "rtpvp9pay picture-id-mode=15-bit",
    "h264": "video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency",
}
# What the offer says of each codec. It may be written before the first picture, so the packer cannot be asked.
RTP_FORMATS = {
    "vp8": "encoding-name=VP8",
    "vp9": "encoding-name=VP9",
    "h264": "encoding-name=H264,packetization-mode=(string)1",
}


def encoder(codec: str, fps: int, kbits: int) -> str:
    """The first encoder of the codec that is installed, as a part of a pipeline."""
    for name, options in ENCODERS[codec]:
        if Gst.ElementFactory.find(name):
            return f"{name} " + options.format(gop=fps * GOP_SECONDS, bits=kbits * 1000, kbits=kbits)
    sys.exit(f"no encoder for {codec}: install the GStreamer plugins with one of {[name for name, _ in ENCODERS[codec]]}")


def describe(options: argparse.Namespace) -> str:
    """The pipeline in GStreamer's own notation: sources, encoders, webrtcbin."""
    width, height = options.size.split("x")
    raw = f"video/x-raw,width={width},height={height},framerate={options.fps}/1"
    parts = [
        "webrtcbin name=webrtc bundle-policy=max-bundle",
        f"{options.video} ! videoconvert ! videoscale ! videorate ! {raw},format=I420"
        f" ! queue leaky=downstream max-size-buffers=2 ! {encoder(options.codec, options.fps, options.kbits)}"
        f" ! {PACKERS[options.codec]} mtu=1200"
        f" ! application/x-rtp,media=video,{RTP_FORMATS[options.codec]},payload=96 ! webrtc.",
    ]
    if options.audio:
        parts.append(
            f"{options.audio} ! audioconvert ! audioresample ! audio/x-raw,rate=48000,channels=2 ! queue ! opusenc"
            " ! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97,encoding-params=(string)2 ! webrtc."
        )
    return "  ".join(parts)


class Publisher:
    """One WHIP session, from the offer to its DELETE."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.session: str | None = None
        self.status = 0
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(describe(options))
        self.webrtc = self.pipeline.get_by_name("webrtc")
        self.webrtc.connect("on-negotiation-needed", self.negotiate)
        self.webrtc.connect("notify::ice-gathering-state", lambda *_: GLib.idle_add(self.offer_when_gathered))
        self.webrtc.connect("notify::connection-state", lambda *_: GLib.idle_add(self.connection_changed))
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _, message: self.fail(message.parse_error().gerror.message))
        bus.connect("message::eos", lambda *_: self.loop.quit())

    def run(self) -> int:
        """Runs until a signal, the end of the source, or an error. Gives the exit status."""
        for number in (signal.SIGINT, signal.SIGTERM):
            GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, self.loop.quit)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        if self.session:
            self.request("DELETE", self.session)
        return self.status

    def fail(self, message: str) -> None:
        """Says what is wrong and ends."""
        print(f"whip-publish: {message}", file=sys.stderr)
        self.status = 1
        self.loop.quit()

    def negotiate(self, webrtc: Gst.Element) -> None:
        """Makes the offer; webrtcbin then gathers its addresses."""
        # A publisher receives nothing.
        for index in range(2):
            transceiver = webrtc.emit("get-transceiver", index)
            if transceiver:
                transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)

        def offered(promise: Gst.Promise) -> None:
            reply = promise.get_reply()
            offer = reply.get_value("offer")
            webrtc.emit("set-local-description", offer, Gst.Promise.new())

        webrtc.emit("create-offer", None, Gst.Promise.new_with_change_func(offered))

    def offer_when_gathered(self) -> bool:
        """Sends the offer when all addresses are in it: one request, no trickling."""
        done = self.webrtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if not done or self.session:
            return False
        offer = self.webrtc.get_property("local-description").sdp.as_text()
        answer = self.request("POST", self.options.url, offer)
        if answer is not None:
            _, message = GstSdp.SDPMessage.new_from_text(answer)
            description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
            promise = Gst.Promise.new_with_change_func(self.answered)
            self.webrtc.emit("set-remote-description", description, promise)
        return False

    def answered(self, promise: Gst.Promise) -> None:
        """webrtcbin has read the answer."""
        reply = promise.get_reply()
        if reply and reply.has_field("error"):
            message = f"the answer makes no sense: {reply.get_value('error').message}"
            GLib.idle_add(lambda: self.fail(message))

    def connection_changed(self) -> bool:
        """Says when media flows, and ends when the connection is lost."""
        state = self.webrtc.get_property("connection-state")
        if state == GstWebRTC.WebRTCPeerConnectionState.CONNECTED:
            print(f"live: {self.session}", flush=True)
        elif state == GstWebRTC.WebRTCPeerConnectionState.FAILED:
            self.session = None
            self.fail("the relay ended the connection, or it was lost")
        return False

    def request(self, method: str, url: str, body: str | None = None) -> str | None:
        """One HTTP request. Gives the answer's body; nothing when it was refused."""
        request = urllib.request.Request(url, method=method, data=body.encode() if body else None)
        if body:
            request.add_header("content-type", "application/sdp")
        if self.options.token:
            request.add_header("authorization", f"Bearer {self.options.token}")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                if method == "POST":
                    self.session = urllib.parse.urljoin(url, response.headers["location"])
                return response.read().decode()
        except urllib.error.HTTPError as error:
            self.fail(f"{method} {url}: {error.code} {error.read().decode()[:300]}")
        except OSError as error:
            self.fail(f"{method} {url}: {error}")
        return None


def main() -> int:
    """Reads the command line and publishes."""
    parser = argparse.ArgumentParser(description="Publishes to a relay by WHIP, with GStreamer.")
    parser.add_argument("url", help="for example http://127.0.0.1:8480/whip/test")
    parser.add_argument("--token", default=os.environ.get("TINYSR_RELAY_TOKEN"), help="bearer token of the relay")
    parser.add_argument("--codec", choices=ENCODERS, default="vp8")
    parser.add_argument("--size", default="320x180", help="of the picture that is sent: small, the relay makes it large")
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--kbits", type=int, default=600, help="kilobits a second of the picture")
    parser.add_argument("--video", default="videotestsrc is-live=true pattern=ball", help="a GStreamer source of pictures")
    parser.add_argument(
        "--audio", default="audiotestsrc is-live=true wave=ticks", help="a GStreamer source of sound; empty: none"
    )
    options = parser.parse_args()
    Gst.init(None)
    return Publisher(options).run()


if __name__ == "__main__":
    sys.exit(main())
