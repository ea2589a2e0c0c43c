// SPDX-License-Identifier: MIT
// record.ts - `godwit/record`: keeps what a client and its server said to each
// other, to be read by `godwit replay`.
//
//   const recording = new Recording();
//   const client = new Client(url, { WebSocket: recording.WebSocket });
//   ...
//   recording.note('user pressed send');
//   await fetch('/report', { method: 'POST', body: recording.blob() });

import { Clock } from './clock.js';
import type { WebSocketConstructor, WebSocketLike } from './options.js';
import { redact } from './redact.js';
import { watchWake } from './wake.js';

/** Of the format, in the first line of a recording. */
const VERSION = 1;
const MAX_BYTES = 1 << 20;
/** The longest note that is kept. */
const MAX_NOTE = 1000;
/** Bytes that one call makes text of. */
const CHUNK = 0x2000;
/** Room that a line takes besides a message. */
const LINE_BYTES = 40;
/** enum gw_wake. */
const WAKES = ['online', 'offline', 'visible', 'hidden'];

/** How much is recorded. */
export interface RecordingOptions {
  /** Bytes of text that are kept, the newest; 1 MiB. */
  readonly maxBytes?: number;
  /** Whether payloads and metadata are kept; true. If not, their lengths are,
   * but `godwit replay` cannot read what the server had compressed. */
  readonly payloads?: boolean;
  /** The WebSocket class that is listened to; the host's. */
  readonly WebSocket?: WebSocketConstructor;
}

/** A line. Bytes become base64 when they are asked for. */
interface Entry {
  readonly t: number;
  /** Number of the connection; 0: of none. */
  readonly n: number;
  readonly name: string;
  readonly value: unknown;
  readonly size: number;
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(text);
}

/** Without the query, whose tokens are not always called that, and the user. */
function bareUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return '';
  }
}

function bytesOf(data: unknown): Uint8Array | null {
  if (data instanceof ArrayBuffer) return new Uint8Array(data.slice(0));
  return data instanceof Uint8Array ? Uint8Array.from(data) : null;
}

/** The traffic of one client. Secrets are overwritten before they are kept: tokens,
 * the client's instance, queries of URLs. */
export class Recording {
  /** To give to the client, as its option `WebSocket`. */
  readonly WebSocket: WebSocketConstructor;
  readonly #maxBytes: number;
  readonly #payloads: boolean;
  readonly #clock = new Clock();
  readonly #startedAt = new Date();
  readonly #start: number;
  readonly #unwatch: () => void;
  #entries: Entry[] = [];
  /** Entries in front that are not kept any more. */
  #first = 0;
  #size = 0;
  #connections = 0;
  /** Lines that are not there any more, by connection. */
  readonly #cut = new Map<number, number>();

  /** Records nothing until a client uses it. One for each client. */
  constructor(options: RecordingOptions = {}) {
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    this.#payloads = options.payloads ?? true;
    this.#start = this.#clock._now();
    this.WebSocket = this.#recorded(options.WebSocket);
    this.#unwatch = watchWake((why) => this.#add(0, 'wake', WAKES[why]));
  }

  /** Puts words of the application among the lines. */
  note(text: string): void {
    this.#add(0, 'note', text.slice(0, MAX_NOTE));
  }

  /** The recording as JSON Lines, so far. */
  text(): string {
    const entries = this.#entries.slice(this.#first);
    const { userAgent } = (globalThis.navigator ?? {}) as { userAgent?: string };
    const t = entries[0]?.t ?? 0;
    const lines: unknown[] = [{
      format: 'godwit-recording', version: VERSION, sdk: __VERSION__,
      host: userAgent ?? '', start: this.#startedAt.toISOString(),
      payloads: this.#payloads,
    }];
    for (const [n, cut] of this.#cut) lines.push({ t, n, cut });
    for (const { t, n, name, value } of entries) {
      const shown = value instanceof Uint8Array ? base64(value) : value;
      lines.push({ t, ...n ? { n } : {}, [name]: shown });
    }
    return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  }

  /** The same, to be sent or saved. */
  blob(): Blob {
    return new Blob([this.text()], { type: 'application/jsonl' });
  }

  /** Offers it to the user of a page as a file. */
  download(name = 'godwit-recording.jsonl'): void {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(this.blob());
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href));
  }

  /** Forgets what was kept, and listens no more to the page. Connections that are
   * open go on unrecorded. */
  end(): void {
    this.#unwatch();
    this.#entries = [];
    this.#first = this.#size = 0;
    this.#cut.clear();
    this.#hasEnded = true;
  }
  #hasEnded = false;

  #add(n: number, name: string, value: unknown): void {
    if (this.#hasEnded) return;
    this.#clock._check();
    const length = value instanceof Uint8Array ? value.length / 3 * 4
      : JSON.stringify(value).length;
    const size = Math.ceil(length) + LINE_BYTES;
    const t = Math.round(this.#clock._now() - this.#start);
    this.#entries.push({ t, n, name, value, size });
    this.#size += size;
    while (this.#size > this.#maxBytes) this.#drop();
  }

  #drop(): void {
    const { n, size } = this.#entries[this.#first++]!;
    this.#size -= size;
    if (n) this.#cut.set(n, (this.#cut.get(n) ?? 0) + 1);
    if (this.#first * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
    // Of a connection that is not there at all nothing is said, either.
    const kept = new Set(this.#entries.map((entry) => entry.n));
    kept.add(this.#connections);
    for (const gone of this.#cut.keys()) if (!kept.has(gone)) this.#cut.delete(gone);
  }

  #message(n: number, name: 'in' | 'out', data: unknown): void {
    const bytes = bytesOf(data);
    if (bytes) redact(bytes, name === 'out', this.#payloads);
    this.#add(n, bytes ? name : 'text', bytes ?? String(data).length);
  }

  /** A class of sockets that tell what they do, around another one. */
  #recorded(given?: WebSocketConstructor): WebSocketConstructor {
    const begin = (url: string): number => {
      this.#add(++this.#connections, 'open', bareUrl(url));
      return this.#connections;
    };
    const add = (n: number, name: string, value: unknown): void =>
      this.#add(n, name, value);
    const message = (n: number, name: 'in' | 'out', data: unknown): void =>
      this.#message(n, name, data);
    return class implements WebSocketLike {
      readonly #ws: WebSocketLike;
      readonly #n: number;
      onopen: ((event: never) => void) | null = null;
      onmessage: ((event: never) => void) | null = null;
      onclose: ((event: never) => void) | null = null;
      onerror: ((event: never) => void) | null = null;

      constructor(url: string, protocols?: string | string[]) {
        const WebSocket =
          given ?? globalThis.WebSocket as unknown as WebSocketConstructor;
        const n = this.#n = begin(url);
        const ws = this.#ws = new WebSocket(url, protocols);
        ws.onopen = (event: never) => {
          add(n, 'opened', (ws as { protocol?: string }).protocol ?? '');
          this.onopen?.(event);
        };
        ws.onmessage = (event: never) => {
          message(n, 'in', (event as { data: unknown }).data);
          this.onmessage?.(event);
        };
        ws.onclose = (event: never) => {
          const { code, reason } = event as { code: number; reason: string };
          add(n, 'closed', { code, reason });
          this.onclose?.(event);
        };
        ws.onerror = (event: never) => this.onerror?.(event);
      }

      get binaryType(): string {
        return this.#ws.binaryType;
      }

      set binaryType(type: string) {
        this.#ws.binaryType = type;
      }

      get readyState(): number | undefined {
        return this.#ws.readyState;
      }

      send(data: Uint8Array<ArrayBuffer>): void {
        message(this.#n, 'out', data);
        this.#ws.send(data);
      }

      close(code?: number, reason?: string): void {
        add(this.#n, 'close', { code: code ?? 0, reason: reason ?? '' });
        this.#ws.close(code, reason);
      }
    };
  }
}
