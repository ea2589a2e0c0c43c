/* SPDX-License-Identifier: MIT */
/* api_record.h - a publication of a history, as the API tells it. */
#ifndef GODWIT_SERVER_API_RECORD_H
#define GODWIT_SERVER_API_RECORD_H

#include "api.pb-c.h"
#include "server/core/buf.h"

/** A record with what protobuf-c needs to write it. */
typedef struct gws_record {
  Godwit__Api__V1__Record one; /**< payload: the message's own bytes */
  Godwit__Api__V1__Json json;
  Godwit__Api__V1__Tag tags[GW_MAX_TAGS];
  Godwit__Api__V1__Tag *all_tags[GW_MAX_TAGS];
  char *space; /**< to be freed by gw_mem_free */
} gws_record;

/** Read a message of a history. False when out of memory: nothing is to be
 * freed. */
GW_MUST_USE bool gws_record_write(const gw_buf *buf, gws_record *w);

#endif
