/* SPDX-License-Identifier: MIT */
/* api.h - what an application may ask of a node (proto/api.proto): one table of
 * methods for HTTP, C and clients. */
#ifndef GODWIT_SERVER_API_H
#define GODWIT_SERVER_API_H

#include "server/core/hub.h"

typedef struct gw_api_method gw_api_method;

/** Who asks. */
typedef struct gw_caller {
  bool is_trusted; /**< the application itself: everything is allowed */
  bool is_known;   /**< an authenticator vouches for the user's name */
  bool is_unread; /**< nobody has seen whether the JSON of its request is any */
  uint64_t session;
  uint64_t client;
  gw_view user;
  /** since 1970; 0: now, by the hub's clock, which stands still for a turn of its
   * loop */
  uint64_t asked_ms;
  /** The same by the clock that workers share; set by the hub. */
  uint64_t at_ms;
} gw_caller;

/** Told once, on the hub's thread, within gw_hub_api or later. code: GW_CODE_OK
 * with a reply of the method's type, encoded; or why not. */
typedef void (*gw_on_api_reply)(void *arg, uint32_t code, gw_view message,
                                gw_view reply);

/**
 * Ask.
 *   method   as in api.proto, in lower case with underscores
 *   request  encoded message of the method's type; copied
 * A method that is not known is UNKNOWN_METHOD, a request that cannot be read
 * BAD_REQUEST.
 */
void gw_hub_api(gw_hub *h, gw_view method, const gw_caller *caller,
                gw_view request, gw_on_api_reply on_reply, void *arg);

/** No worker in particular. */
#define GW_API_ANY UINT32_MAX

/**
 * The worker that owns the channel or group which a question names; GW_API_ANY: it
 * names none, or does not only concern that. Put there, questions of one who asks
 * are answered in their order, and see what those before have changed. On any
 * thread; h: of any worker.
 */
uint32_t gw_api_owner(const gw_hub *h, const gw_api_method *m, gw_view request);

/* ---- names and JSON ------------------------------------------------------ */

/** A method by its name; NULL. On any thread. */
const gw_api_method *gw_api_find(gw_view name);
/** All of them by number, from 0 on; NULL behind the last. */
const gw_api_method *gw_api_at(size_t index);
gw_view gw_api_name(const gw_api_method *m);

/**
 * Append the request that JSON stands for, encoded; empty text is an empty
 * request. Otherwise as gw_json_to_frame.
 */
GW_MUST_USE int gw_api_request_from_json(const gw_api_method *m, gw_view text,
                                         gw_out *out, char *why);
/** Told what a request is about: a field and its text. */
typedef void (*gw_on_api_name)(void *arg, const char *field, gw_view text);
/**
 * Tell the names and ids of an encoded request, for a log: channels, users,
 * connections, methods, and not payloads, numbers that are none, or tokens.
 * Nothing of one that cannot be read.
 */
void gw_api_each_name(const gw_api_method *m, gw_view request,
                      gw_on_api_name on_name, void *arg);
/** The JSON of a reply; freed by the caller. NULL when out of memory. */
char *gw_api_reply_to_json(const gw_api_method *m, gw_view reply, size_t *len);

#endif
