/* SPDX-License-Identifier: MIT */
/* lws.h - the client core on libwebsockets and libuv, for native hosts: ws://
 * and wss:// endpoints, subprotocol godwit.v1. */
#ifndef GODWIT_CLIENT_LWS_H
#define GODWIT_CLIENT_LWS_H

#include <uv.h>

#include "godwit/client.h"

/*
 * The port makes the client and feeds it; the host runs the loop, gives
 * commands to gw_lws_client and gets events. One thread: the one that runs the
 * loop.
 *
 *   gw_lws *p = gw_lws_new(&options);
 *   (void)gw_client_connect(gw_lws_client(p));
 *   uv_run(loop, UV_RUN_DEFAULT);   ... until something calls gw_lws_close(p)
 *   gw_lws_free(p);
 *
 * Names are resolved by the system's resolver, which blocks the loop meanwhile.
 *
 * A loop, and a process, may have several. When they live at the same time,
 * libwebsockets 4.1 keeps the system's certificates of all but the newest, some
 * 0.7 MB each, as it finds its own note about them no more.
 */
typedef struct gw_lws gw_lws;

/** What happens to a connection. */
enum gw_lws_wire_type {
  GW_LWS_WIRE_OPEN,   /**< the core wants one: bytes is the endpoint */
  GW_LWS_WIRE_OPENED, /**< it is there */
  GW_LWS_WIRE_OUT,    /**< a message of the core */
  GW_LWS_WIRE_IN,     /**< a part of a message of the server */
  GW_LWS_WIRE_CLOSE,  /**< the core ends it: code, and bytes says why */
  GW_LWS_WIRE_CLOSED  /**< it ended otherwise: the same */
};

/** News of the wire, in their order. */
typedef struct gw_lws_wire {
  enum gw_lws_wire_type type;
  uint32_t generation; /**< number of the connection, from 1 */
  gw_view bytes;       /**< valid until the call returns */
  bool is_end;         /**< IN: of the message */
  uint32_t code;
  uint32_t retry_after_ms; /**< CLOSED: how long to stay away, if told */
} gw_lws_wire;

typedef struct gw_lws_options {
  uv_loop_t *loop;          /**< outlives the port */
  gw_client_options client; /**< endpoints: ws://HOST[:PORT]/PATH, or wss:// */
  const char *ca_file;      /**< PEM file of trusted certificates beside the
                                 system's; NULL: none */
  bool is_insecure;         /**< take any certificate, of anybody: for tests */
  /** As in gw_port; log and may_move may be NULL. */
  void (*event)(void *user, const gw_event *event);
  void (*log)(void *user, enum gw_log_level level, const char *text);
  bool (*may_move)(void *user, enum gw_state from, enum gw_state to,
                   uint32_t code);
  /** Told what happens on the wire, before the core is; may be NULL. */
  void (*wire)(void *user, const gw_lws_wire *news);
  void *user;
} gw_lws_options;

/** Room for a sentence about an endpoint. */
#define GW_LWS_WHY_MAX 256u

/** Whether an endpoint can be used; why (may be NULL) gets a sentence if not.
 */
bool gw_lws_endpoint_is_valid(gw_view endpoint, char why[GW_LWS_WHY_MAX]);

/** The same for a file of certificates. */
bool gw_lws_ca_is_valid(const char *path, char why[GW_LWS_WHY_MAX]);

/** NULL when out of memory, an option is not valid, or libwebsockets lacks its
 * libuv part. */
gw_lws *gw_lws_new(const gw_lws_options *options);

/** The client; until gw_lws_close. */
gw_client *gw_lws_client(gw_lws *p);

/** Whether nothing of a connection is left: the goodbye of gw_client_close has
 * gone out, or was given up. */
bool gw_lws_is_quiet(const gw_lws *p);

/** Free the client and close what is open, without a goodbye. Not inside an
 * event. The loop has to run until it is empty of the port's handles. */
void gw_lws_close(gw_lws *p);

/** After gw_lws_close and the loop's last turn. NULL is fine. */
void gw_lws_free(gw_lws *p);

#endif
