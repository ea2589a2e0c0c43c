/* SPDX-License-Identifier: MIT */
/* members.h - members of a channel's presence, for people and for machines. */
#ifndef GODWIT_CLI_MEMBERS_H
#define GODWIT_CLI_MEMBERS_H

#include <stdio.h>

#include "godwit/client.h"

/** The heading of a table, and a row of it. */
void gw_members_put_heading(FILE *to);
void gw_members_put_row(FILE *to, const gw_presence_member *m);

/** The members of a JSON object that tell about one: "client":..., "user":... */
void gw_members_put_json(FILE *to, const gw_presence_member *m);

/** "entered", "changed", "left", for an enum gw_presence_kind. */
const char *gw_members_verb(uint32_t kind);

/** How many are there, where not all are listed, as a line. */
void gw_members_put_numbers(FILE *to, const gw_presence_numbers *n,
                            gw_view channel, bool as_json);

/** A change as a line: of text, or of JSON with the channel. */
void gw_members_put_change(FILE *to, const gw_event *e, gw_view channel,
                           bool as_json);

#endif
