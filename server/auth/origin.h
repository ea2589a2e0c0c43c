/* SPDX-License-Identifier: MIT */
/* origin.h - which web pages may connect: the header Origin against a list. */
#ifndef GODWIT_AUTH_ORIGIN_H
#define GODWIT_AUTH_ORIGIN_H

#include "godwit/wire.h"

// A list is words with commas or blanks between them:
//
//   https://app.example.org        that origin
//   https://app.example.org:8443   with a port that is not the usual one
//   https://*.example.org          all below the name, at any depth, not itself
//   app.example.org, *.example.org http or https
//   same                           the host that the request is for
//   localhost                      this machine: any scheme and port
//   null                           pages without an origin: sandboxes, files
//   *                              all

/** What an empty list means in production, and in development. */
#define GW_ORIGINS_DEFAULT     "same"
#define GW_ORIGINS_DEVELOPMENT "same localhost"

/** Check that a list can be read. 0, GW_ERR_INVALID: bad is the first word that
 * is none of these. */
GW_MUST_USE int gw_origins_check(const char *list, gw_view *bad);

/** Whether a list has a word. */
bool gw_origins_has(const char *list, const char *word);

/** Whether a page may connect. origin: its header, not empty; host: the header
 * Host of the same request. */
bool gw_origin_is_allowed(const char *list, gw_view origin, gw_view host);

#endif
