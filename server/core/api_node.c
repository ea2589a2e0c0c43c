/* SPDX-License-Identifier: MIT */
/* api_node.c - what a node tells of itself. */
#include "api.pb-c.h"
#include "server/core/api_method.h"
#include "server/core/hub_state.h"

uint32_t gws_api_info(gw_hub *h, const gw_caller *caller,
                      const ProtobufCMessage *request, gws_reply *r) {
  (void)caller;
  (void)request;
  Godwit__Api__V1__WorkerInfo worker = GODWIT__API__V1__WORKER_INFO__INIT;
  Godwit__Api__V1__WorkerInfo *workers[] = {&worker};
  Godwit__Api__V1__InfoReply reply = GODWIT__API__V1__INFO_REPLY__INIT;
  worker.worker = h->worker;
  worker.connections = (uint32_t)gw_stat_get(&h->stats.connections);
  worker.subscriptions = (uint32_t)gw_stat_get(&h->stats.subscriptions);
  worker.channels = (uint32_t)gw_stat_get(&h->stats.channels);
  worker.members = (uint32_t)gw_stat_get(&h->stats.members);
  worker.accepted = gw_stat_get(&h->stats.connections_total);
  worker.published = gw_stat_get(&h->stats.publications_total);
  worker.delivered = gw_stat_get(&h->stats.deliveries_total);
  reply.node = (char *)(uintptr_t)h->settings->node;
  reply.server = (char *)(uintptr_t) "godwit/" GW_VERSION;
  reply.time_ms = h->wall_ms;
  reply.uptime_ms = h->now_ms - h->start_ms;
  reply.workers = workers;
  reply.n_workers = 1;
  gws_reply_add(r, &reply.base);
  return GW_CODE_OK;
}
