/* SPDX-License-Identifier: MIT */
/* player_state.h - what the parts of the player share. */
#ifndef GODWIT_CLI_PLAYER_STATE_H
#define GODWIT_CLI_PLAYER_STATE_H

#include <uthash.h>

#include "godwit/client.h"
#include "server/cli/replay/player.h"

/** A frame of one side that the other has not sent yet. */
typedef struct gw__due {
  struct gw__due *next;
  uint8_t type;
  uint32_t request;
  uint32_t line; /**< 0: of the core */
} gw__due;

/** Two numbers for the same: the recorded one, and the core's. */
typedef struct gw__pair {
  uint32_t recorded;
  uint32_t core;
  UT_hash_handle hh;
} gw__pair;

/** Questions for a token that wait. */
typedef struct gw__asked {
  struct gw__asked *next;
  uint32_t ask;
  uint32_t sub; /**< 0: of the connection */
} gw__asked;

typedef struct gw__player {
  const gw_recording *recording;
  const gw_timeline *shown;
  gw_client *client;
  int err;
  uint64_t now_ms;
  uint64_t timer_ms;    /**< UINT64_MAX: none */
  uint64_t token_tenth; /**< of the life that a message gives a token */
  /* the transport */
  uint32_t generation;
  bool is_wanted;    /**< between open and close of the core */
  bool is_held_back; /**< it would connect by itself, and may not */
  uint32_t n;        /**< connection that plays; 0: none */
  /* of the connection */
  gw__due *recorded; /**< frames that the core has not sent */
  gw__due *core;     /**< frames that the recorded client has not sent */
  gw__pair *requests;
  gw__pair *calls;   /**< requests of the server, and the core's calls */
  uint32_t rpcs[64]; /**< requests that the core is about to tell */
  unsigned num_rpcs;
  /* of the client */
  gw__pair *subs; /**< by alias */
  gw__asked *asked;
  uint64_t last_key;
} gw__player;

/* moves.c */

/** Give the commands that make the core send what the recorded client sent, as far
 * as it does not by itself. */
void gw__player_move(gw__player *p, const gw_frame *frame);
/** Answer every question for a token of this subscription, 0: the connection. */
void gw__player_give_token(gw__player *p, uint32_t sub);

/** Let the core go on until it has nothing to do at this time. */
void gw__player_settle(gw__player *p);

/* pairs.c */

/** The core's number; not_found if there is none. */
uint32_t gw__pair_core(gw__pair *table, uint32_t recorded, uint32_t not_found);
void gw__pair_set(gw__player *p, gw__pair **table, uint32_t recorded,
                  uint32_t core);
void gw__pairs_free(gw__pair **table);

/** Whether the core has sent a frame of this type that the recorded client is yet
 * to send. */
bool gw__due_is_early(const gw__player *p, uint8_t type);
/** A frame was sent: by the core (line 0), or in the recording. */
void gw__due_add(gw__player *p, uint8_t type, uint32_t request, uint32_t line);
/** Tell and forget what only one side sent. */
void gw__due_end(gw__player *p);

#endif
