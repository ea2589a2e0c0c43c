/* SPDX-License-Identifier: MIT */
/* api.h - questions of the application, from any thread to a worker. */
#ifndef GODWIT_SERVER_NET_API_H
#define GODWIT_SERVER_NET_API_H

#include "godwit/server.h"
#include "server/core/api.h"

/**
 * Ask on the worker that owns the channel or group which the question names; else
 * on one of the workers, which take turns.
 *   request   encoded; copied
 *   on_reply  told once, on the worker's thread; with SHUTDOWN when the server
 *             is freed first
 *   returns   0, GW_ERR_NOMEM: on_reply is not told
 */
GW_MUST_USE int gw__server_ask(gw_server *s, const gw_api_method *m,
                               gw_view request, gw_on_api_reply on_reply,
                               void *arg);

#endif
