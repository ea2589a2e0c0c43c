/* SPDX-License-Identifier: MIT */
/* wallet.c - answers to questions for tokens, some of them late. */
#include "tests/sim/wallet.h"

#include <stdlib.h>

/** A question that is open. */
typedef struct question {
  sim_wallet *wallet;
  uint32_t ask;
  uint32_t sub; /* 0: the connection's */
  uint32_t thing;
  bool is_late; /* what it was asked for has gone on without */
  struct question *next;
} question;

struct sim_wallet {
  world *w;
  sim_issuer *issuer;
  gw_client *client; /* NULL: gone */
  uint32_t app;
  question *open;
  uint64_t num_asks[SIM_NUM_THINGS];
};

sim_wallet *sim_wallet_new(world *w, sim_issuer *issuer, uint32_t app) {
  sim_wallet *t = calloc(1, sizeof *t);
  if (t == NULL) abort();
  *t = (sim_wallet){.w = w, .issuer = issuer, .app = app};
  return t;
}

void sim_wallet_set_client(sim_wallet *t, gw_client *client) {
  t->client = client;
}

void sim_wallet_free(sim_wallet *t) {
  while (t->open != NULL) {
    question *next = t->open->next;
    free(t->open);
    t->open = next;
  }
  free(t);
}

/* ---- answering ------------------------------------------------------------ */

static void forget(sim_wallet *t, question *q) {
  question **at = &t->open;
  while (*at != q)
    at = &(*at)->next;
  *at = q->next;
  free(q);
}

/** A late answer has to be dropped, one in time may be. */
static void answer(void *arg) {
  question *q = arg;
  sim_wallet *t = q->wallet;
  char text[SIM_TOKEN_MAX];
  uint32_t code = sim_issuer_make(t->issuer, t->app, q->thing, text);
  world_trace(t->w, "app %u answers %u with %s", t->app, q->ask,
              code == GW_CODE_OK ? text : gw_code_name(code));
  int err = code == GW_CODE_OK
                ? gw_client_give_token(t->client, q->ask, gw_view_of(text))
                : gw_client_no_token(t->client, q->ask, code);
  if (err != 0 && err != GW_ERR_NOT_FOUND)
    world_fail(t->w, "app %u: token: %s", t->app, gw_err_name(err));
  if (err == 0 && q->is_late)
    world_fail(t->w, "app %u: a token that comes too late was taken", t->app);
  forget(t, q);
}

void sim_wallet_on_ask(sim_wallet *t, const gw_event *e, uint32_t thing) {
  for (const question *q = t->open; q != NULL; q = q->next)
    if (q->sub == e->u.token.sub)
      world_fail(t->w, "app %u was asked twice for one token", t->app);
  question *q = malloc(sizeof *q);
  if (q == NULL) abort();
  *q = (question){t, e->u.token.ask, e->u.token.sub, thing, false, t->open};
  t->open = q;
  t->num_asks[thing]++;
  world_trace(t->w, "app %u is asked %u for %u (%s)", t->app, q->ask, thing,
              gw_code_name(e->u.token.code));
  world_after(t->w, sim_issuer_wait_ms(t->issuer), answer, q);
}

/* ---- what makes an answer late ---------------------------------------------- */

static void is_late_for(sim_wallet *t, uint32_t sub) {
  for (question *q = t->open; q != NULL; q = q->next)
    if (q->sub == sub) q->is_late = true;
}

void sim_wallet_on_sent(sim_wallet *t, const gw_frame *frame) {
  if (frame->head.type == GW_FRAME_HELLO) is_late_for(t, 0);
  if (frame->head.type == GW_FRAME_SUBSCRIBE)
    is_late_for(t, frame->head.channel);
}

void sim_wallet_on_close(sim_wallet *t) {
  is_late_for(t, 0);
}

/* ---- the end ---------------------------------------------------------------- */

void sim_wallet_check(sim_wallet *t) {
  uint64_t seconds = t->w->now_ms / 1000;
  for (uint32_t n = 0; n < SIM_NUM_THINGS; n++)
    if (t->num_asks[n] > 40 + 2 * seconds)
      world_fail(t->w, "app %u was asked %llu times for %u in %llu s", t->app,
                 (unsigned long long)t->num_asks[n], n,
                 (unsigned long long)seconds);
}
