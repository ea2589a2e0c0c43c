/* SPDX-License-Identifier: MIT */
/* worker_edge.c - between a worker's hub and the chain: what handlers are shown
 * of connections, and proxies that say for whom they come. */
#include <stdlib.h>
#include <string.h>

#include "server/edge/request.h"
#include "server/hooks/hooks.h"
#include "server/net/visit.h"
#include "server/net/worker.h"

/* ---- connections -------------------------------------------------------------- */

static gw_socket *socket_of(void *conn) {
  return gw_socket_of(((const gw_ws_conn *)conn)->wsi);
}

gw_connection gw_worker_connection(const gw_worker *w, const gw_facts *facts) {
  gw_socket *socket = facts->conn ? socket_of(facts->conn) : NULL;
  const gw_route *route = socket ? socket->route : NULL;
  return (gw_connection){.facts = facts,
                         .route =
                             route ? route->pattern.text : GW_ROUTE_DEFAULT,
                         .handlers = route ? route->handlers : 0,
                         .state = socket ? &socket->state : NULL,
                         .num_slots = w->options.edge->chain.num + 1};
}

/* Whether its handlers, or the links, want what happens to it to be told. */
static bool is_watched(const gw_worker *w, const gw_route *route) {
  uint32_t wants = gw_edge_wants(w->options.edge, route);
  return (wants & ~(uint32_t)(GW_CHAIN_REQUEST | GW_CHAIN_REFUSED)) != 0;
}

/* Whether handlers are told of this route where none is kept. */
static bool is_usual(const gw_route *route) {
  return strcmp(route->pattern.text, GW_ROUTE_DEFAULT) == 0;
}

bool gw_worker_keep(gw_worker *w, struct lws *wsi, const gw_visit *v,
                    gw_bound *bound, gw_request *request) {
  bool is_other = memcmp(&v->socket_peer, &v->peer, sizeof v->peer) != 0;
  bool has_request = request && (w->options.edge->hooks_want ||
                                 v->values.num != 0 || is_watched(w, v->route));
  if (!bound && !has_request && !is_other && is_usual(v->route) &&
      !is_watched(w, v->route)) {
    gw_request_free(request);
    return true;
  }
  gw_socket *socket = gw_socket_get(wsi);
  if (!socket) return false;
  if (is_other) {
    socket->is_proxied = true;
    socket->peer = v->peer;
  }
  socket->route = v->route;
  socket->bound = bound;
  if (has_request) {
    socket->state = (gw_connection_state){.request = request, .is_whole = true};
  } else {
    gw_request_free(request);
  }
  return true;
}

/* A request that nobody wants to keep is let go of, but for its parameters. */
static void forget_request(const gw_worker *w, gw_socket *socket) {
  gw_connection_state *state = &socket->state;
  gw_view name, value;
  if (!state->request || !state->is_whole ||
      (gw_edge_wants(w->options.edge, socket->route) & GW_CHAIN_KEEP))
    return;
  bool has_params =
      gw_request_item(state->request, GW_REQUEST_PARAM, 0, &name, &value);
  gw_request *slim = has_params ? gw_request_slim(state->request) : NULL;
  /* Without memory it stays as it is, which is right, too. */
  if (has_params && !slim) return;
  gw_request_free(state->request);
  state->request = slim;
  state->is_whole = false;
}

static gw_facts facts_of(const gw_notice *n) {
  return (gw_facts){.conn = n->conn,
                    .session = n->session,
                    .connection = n->connection,
                    .client = n->client,
                    .user = n->user,
                    .peer = n->peer,
                    .is_known = n->is_known};
}

static void on_connect(gw_worker *w, const gw_notice *n) {
  gw_socket *socket = socket_of(n->conn);
  gw_facts facts = facts_of(n);
  gw_connection c = gw_worker_connection(w, &facts);
  if (!socket) return;
  gw_chain_connect(&w->options.edge->chain, &c);
  forget_request(w, socket);
  /* The hub has its peer by now. */
  socket->is_proxied = false;
  if (!socket->state.request && !socket->bound && socket->route &&
      is_usual(socket->route) && !is_watched(w, socket->route))
    socket->route = NULL;
  gw_socket_settle(socket->wsi);
}

static void on_disconnect(gw_worker *w, const gw_notice *n) {
  gw_facts facts = facts_of(n);
  gw_connection c = gw_worker_connection(w, &facts);
  const gw_end end = {
      .size = sizeof end, .code = n->code, .duration_ms = n->duration_ms};
  if (socket_of(n->conn))
    gw_chain_disconnect(&w->options.edge->chain, &c, &end);
}

void gw_worker_tell(void *user, const gw_notice *notice) {
  gw_worker *w = user;
  gw_hooks *hooks = w->asks.hooks;
  if (notice->kind == GW_NOTICE_CONNECT) {
    on_connect(w, notice);
    return;
  }
  if (notice->kind == GW_NOTICE_DISCONNECT) on_disconnect(w, notice);
  if (notice->kind == GW_NOTICE_PRESENCE && w->asks.events)
    gw_events_tell_notice(w->asks.events, notice);
  bool was_welcomed = notice->client != 0;
  if (hooks && was_welcomed)
    gw_hooks_tell(hooks, w->options.hub.worker, notice);
}

/* ---- the hub's inspector --------------------------------------------------------- */

static void on_frame(void *user, const gw_facts *who, const gw_inspected *in,
                     gw_verdict *v) {
  const gw_worker *w = user;
  gw_connection c = gw_worker_connection(w, who);
  gw_refusal refusal;
  const gw_frame_view frame = {.size = sizeof frame,
                               .type = in->frame->head.type,
                               .request = in->frame->head.request,
                               .channel = in->channel,
                               .method = in->method,
                               .body = in->frame->body};
  if (!gw_chain_frame(&w->options.edge->chain, &c, &frame, &refusal))
    *v = gw_chain_verdict(&refusal);
  if (c.is_plain)
    gw_session_stay_plain(((const gw_ws_conn *)who->conn)->session);
}

static void on_publication(void *user, const gw_facts *who, gw_publish *msg,
                           gw_view on_behalf_of, gw_verdict *v) {
  static const gw_facts nobody;
  gw_worker *w = user;
  gw_connection c = gw_worker_connection(w, who ? who : &nobody);
  gw_refusal refusal;
  gw_draft_of shown = {.draft = {.size = sizeof shown.draft,
                                 .channel = msg->channel,
                                 .item = msg->item,
                                 .user = on_behalf_of,
                                 .ttl_ms = msg->ttl_ms,
                                 .data = msg->data,
                                 .json = msg->json},
                       .drafts = &w->drafts};
  gw_drafts_clear(&w->drafts);
  if (!gw_chain_publication(&w->options.edge->chain, who ? &c : NULL,
                            &shown.draft, &refusal))
    *v = gw_chain_verdict(&refusal);
  msg->data = shown.draft.data;
  msg->json = shown.draft.json;
}

void gw_worker_watch(gw_worker *w) {
  const gw_chain *chain = &w->options.edge->chain;
  uint32_t wants = chain->wants | chain->handlers_want;
  if (wants & GW_CHAIN_FRAME) w->inspector.on_frame = on_frame;
  if (wants & GW_CHAIN_PUBLICATION)
    w->inspector.on_publication = on_publication;
  if (w->inspector.on_frame || w->inspector.on_publication)
    gw_hub_set_inspector(w->hub, &w->inspector, w);
}

/* ---- proxies ------------------------------------------------------------------------ */

static void on_greeted(void *user, int fd, const gw_proxy_header *h) {
  gw_worker *w = user;
  gw_peer proxy = gw_peer_of_socket(fd);
  gw_worker_adopt(w, fd, &proxy, h->is_local ? NULL : h);
  /* It waits no more here, and perhaps not there either: it may be broken. */
  if (w->is_listening) gw_listener_resume(&w->listener);
}

static void on_not_greeted(void *user, const gw_peer *proxy, const char *why,
                           bool is_silent) {
  gw_worker *w = user;
  char peer[GW_PEER_TEXT_MAX];
  gw_fields f;
  if (w->is_listening) gw_listener_resume(&w->listener);
  /* Proxies look whether somebody listens. */
  if (is_silent) return;
  gw_stat_add(&w->stats.proxy_headers_failed_total, 1);
  gw_stat_add(&w->stats.handshakes_failed_total, 1);
  gw_fields_init(&f);
  gw_fields_text(&f, "peer", gw_peer_text(proxy, peer));
  gw_fields_text(&f, "why", why);
  gw_log_write(w->options.log, GW_LOG_WARN, "proxy.refused", f.text);
}

void gw_worker_init_greetings(gw_worker *w) {
  const gw_greetings_port port = {.on_ready = on_greeted,
                                  .on_failed = on_not_greeted};
  gw_greetings_init(&w->greetings, &w->loop,
                    w->options.hub.settings->handshake_timeout_ms, &port, w);
}

bool gw_worker_is_proxy(const gw_worker *w, const gw_peer *peer) {
  const gw_edge *e = w->options.edge;
  return e->config->proxy_protocol && gw_networks_has(&e->trusted, peer);
}
