/* SPDX-License-Identifier: MIT */
/* trace.h - prints what the client core tells an application. */
#ifndef GODWIT_CLI_TRACE_H
#define GODWIT_CLI_TRACE_H

#include "godwit/client.h"
#include "server/cli/replay/timeline.h"

/** Print an event. client: whose it is, for the names of its subscriptions. */
void gw_trace_event(const gw_timeline *shown, const gw_client *client,
                    const gw_event *e);

/** Print something else at a time: name says what, such as "note". */
__attribute__((format(printf, 4, 5))) void
gw_trace_put(const gw_timeline *shown, uint64_t t_ms, const char *name,
             const char *format, ...);

#endif
