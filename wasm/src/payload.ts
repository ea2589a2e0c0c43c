// SPDX-License-Identifier: MIT
// payload.ts - what a publication, a member or a call carries.

import { fromUtf8, NO_BYTES, toUtf8, type Bytes } from './bytes.js';
import type { Received } from './types.js';

export const BYTES = 0;
export const JSON_TEXT = 1;

/** Encoded, for the core. */
export interface EncodedPayload {
  readonly _type: number;
  readonly _bytes: Bytes;
}

export const NOTHING: EncodedPayload = { _type: BYTES, _bytes: NO_BYTES };

/** Encodes at once, so that later changes of the value do not matter. */
export function encodePayload(data: unknown): EncodedPayload {
  if (data instanceof ArrayBuffer) {
    return { _type: BYTES, _bytes: new Uint8Array(data.slice(0)) };
  }
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data;
    return {
      _type: BYTES,
      _bytes: new Uint8Array(buffer, byteOffset, byteLength).slice(),
    };
  }
  const text = JSON.stringify(data) as string | undefined;
  if (text === undefined) throw new TypeError('this value has no form in JSON');
  return { _type: JSON_TEXT, _bytes: toUtf8(text) };
}

export function decodePayload(type: number, bytes: Uint8Array): Received {
  return type === JSON_TEXT ? JSON.parse(fromUtf8(bytes)) : bytes.slice();
}

/** What a member tells about itself: often nothing. Text that is not JSON is
 * given as it is, as there is nobody to tell and the others still count. */
export function decodeMember(type: number, bytes: Uint8Array): Received {
  if (bytes.length === 0) return null;
  try {
    return decodePayload(type, bytes);
  } catch {
    return fromUtf8(bytes);
  }
}
