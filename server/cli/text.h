/* SPDX-License-Identifier: MIT */
/* text.h - what peers wrote, made safe for a terminal; ids and positions as
 * text. */
#ifndef GODWIT_CLI_TEXT_H
#define GODWIT_CLI_TEXT_H

#include <stdio.h>

#include "godwit/client.h"

/**
 * Print text of a peer on one line. Control characters, and those that turn the
 * direction of writing, are escaped as \u001b, so that nobody can move the
 * cursor, change the title or hide what was written; bytes that are no UTF-8 as
 * \xff.
 */
void gw_text_put(FILE *to, gw_view text);

/** The same for JSON text: it means the same as before. */
void gw_text_put_json(FILE *to, gw_view json);

/** JSON text, or text, or else base64 after the word. */
void gw_text_put_payload(FILE *to, gw_payload payload);

/** As a JSON string, quotes included. */
void gw_text_put_string(FILE *to, gw_view text);

/** A member of a JSON object: "json": the payload itself where it is JSON, "data":
 * base64 for bytes; nothing for an empty payload. A comma stands before it. */
void gw_text_put_payload_member(FILE *to, gw_payload payload);

/** A payload from the two fields of a message. */
gw_payload gw_text_payload(gw_view data, gw_view json);

/** Whether the bytes are one JSON value. */
bool gw_text_is_json(gw_view text);

/** Ids and epochs: 16 hexadecimal digits. */
#define GW_TEXT_ID_MAX 17u
const char *gw_text_id(uint64_t id, char space[GW_TEXT_ID_MAX]);
/** "EPOCH:OFFSET" */
#define GW_TEXT_POSITION_MAX 40u
const char *gw_text_position(gw_position p, char space[GW_TEXT_POSITION_MAX]);

bool gw_text_read_id(const char *text, uint64_t *id);
bool gw_text_read_position(const char *text, gw_position *p);

/** Local time of day; "2026-01-31T23:59:59.123Z" for machines. */
#define GW_TEXT_TIME_MAX 32u
const char *gw_text_clock(uint64_t time_ms, char space[GW_TEXT_TIME_MAX]);
const char *gw_text_iso(uint64_t time_ms, char space[GW_TEXT_TIME_MAX]);

#endif
