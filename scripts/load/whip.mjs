/** WHIP and WHEP (RFC 9725 and its draft sibling) for clients that count. */

const VIDEO = {
  VP8: ['a=rtpmap:96 VP8/90000'],
  H264: ['a=rtpmap:96 H264/90000', 'a=fmtp:96 packetization-mode=1;level-asymmetry-allowed=1;profile-level-id=42e01f'],
};

function offer(client, codec, direction, more) {
  const lines = [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0'],
    ...['m=video 9 UDP/TLS/RTP/SAVPF 96', 'c=IN IP4 0.0.0.0', 'a=mid:0', `a=${direction}`],
    ...[...client.offerLines, ...VIDEO[codec], 'a=rtcp-fb:96 nack', 'a=rtcp-fb:96 nack pli', ...more],
  ];
  return `${lines.join('\r\n')}\r\n`;
}

async function connect(client, url, body) {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body });
  const answer = await response.text();
  if (response.status !== 201) throw new Error(`${url}: ${response.status} ${answer}`);
  const candidate = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+)/im.exec(answer);
  const [ufrag, password] = ['ufrag', 'pwd'].map((name) => new RegExp(`^a=ice-${name}:(\\S+)`, 'm').exec(answer)?.[1]);
  await client.connect({ host: candidate[1], port: Number(candidate[2]), ufrag, password });
  return new URL(response.headers.get('location'), url).href;
}

/** Publishes VP8. @returns address of the session, to be deleted */
export function publish(client, url, room, ssrc) {
  return connect(client, `${url}/whip/${room}`, offer(client, 'VP8', 'sendonly', [`a=ssrc:${ssrc} cname:load`]));
}

/** Watches the upscaled picture (H.264), or the original (VP8). @returns address of the session, to be deleted */
export function watch(client, url, room, source) {
  const codec = source === 'original' ? 'VP8' : 'H264';
  return connect(client, `${url}/whep/${room}?source=${source}`, offer(client, codec, 'recvonly', []));
}
