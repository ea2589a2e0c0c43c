/* SPDX-License-Identifier: MIT */
/* json.h - godwit.v1.json: frames as proto3 JSON, one object per line. */
#ifndef GODWIT_SERVER_JSON_H
#define GODWIT_SERVER_JSON_H

#include "server/core/buf.h"

/*
 * A frame is an object with the message under its name, and the header's fields
 * beside it where they are not 0:
 *
 *   {"id":1,"channel":7,"alias":true,"subscribe":{"channel":"room:lobby"}}
 *   {"channel":4,"publication":{"offset":"12","json":"{\"text\":\"hi\"}"}}
 *
 * id is the request id; alias, more, own are the flags. The message is in the
 * JSON mapping of Protocol Buffers (proto3): lowerCamelCase names, the proto's
 * names are taken too; 64-bit integers are strings, numbers are taken too; bytes
 * are base64; enums are names, numbers are taken too; defaults are left out;
 * unknown fields are refused. Made from the descriptors of protobuf-c.
 */

/**
 * Append the frame that one line of JSON stands for.
 *   returns  0; GW_ERR_PROTOCOL (not JSON, not a frame), GW_ERR_TEXT (U+0000 or
 *            bad UTF-8), GW_ERR_UNKNOWN_TYPE, GW_ERR_PEER_TOO_BIG (nested too
 *            deep), GW_ERR_FULL, GW_ERR_NOMEM; why (may be NULL, at least
 *            GW_MAX_REASON_BYTES long) gets a sentence that names the place
 */
GW_MUST_USE int gw_json_to_frame(gw_view line, gw_out *out, char *why);

/** The same for one message of any type that the server knows, without a frame.
 * A message named Json is the value that its text is (api.proto). */
typedef struct ProtobufCMessageDescriptor ProtobufCMessageDescriptor;
GW_MUST_USE int gw_json_to_message(const ProtobufCMessageDescriptor *type,
                                   gw_view text, gw_out *out, char *why);
/** JSON text of such a message, NUL behind it, to be freed. NULL when out of
 * memory or the message is not well-formed. */
char *gw_json_of_message(const ProtobufCMessageDescriptor *type,
                         gw_view message, size_t *len);

/** The JSON text of a binary message of whole frames. NULL when out of memory
 * or the message is not well-formed. */
gw_buf *gw_json_from_message(gw_view message);

/** The JSON twin of a shared binary buffer, made once and kept with it; safe on
 * any thread. A borrowed pointer that lives as long as b; NULL as above. */
gw_buf *gw_buf_json(gw_buf *b);

#endif
