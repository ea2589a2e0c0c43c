// SPDX-License-Identifier: MIT
// payload.ts - what a publication, a member or a call carries.

import { NO_BYTES, toUtf8, type Bytes } from './bytes.js';
import type { Received } from './types.js';

/** enum gw_payload_type. */
export const enum PayloadType { BYTES, JSON }

/** What the core hands over: a JSON text, or bytes that are JavaScript's own. */
export type Source = string | Bytes;

/** Encoded, for the core. */
export interface EncodedPayload {
  readonly _type: number;
  readonly _bytes: Bytes;
}

export const NOTHING: EncodedPayload = { _type: PayloadType.BYTES, _bytes: NO_BYTES };

/** Encodes at once, so that later changes of the value do not matter. */
export function encodePayload(data: unknown): EncodedPayload {
  if (data instanceof ArrayBuffer) {
    return { _type: PayloadType.BYTES, _bytes: new Uint8Array(data.slice(0)) };
  }
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data;
    return {
      _type: PayloadType.BYTES,
      _bytes: new Uint8Array(buffer, byteOffset, byteLength).slice(),
    };
  }
  const text = JSON.stringify(data) as string | undefined;
  if (!text) throw new TypeError('no form in JSON');
  return { _type: PayloadType.JSON, _bytes: toUtf8(text) };
}

export function encodeOptional(data: unknown): EncodedPayload {
  return data === undefined ? NOTHING : encodePayload(data);
}

export function decodePayload(source: Source): Received {
  return typeof source === 'string' ? JSON.parse(source) : source;
}

/** What a member tells about itself: often nothing. Text that is not JSON is
 * given as it is, as there is nobody to tell and the others still count. */
export function decodeMember(source: Source): Received {
  if (!source.length) return null;
  try {
    return decodePayload(source);
  } catch {
    return source;
  }
}
