/* SPDX-License-Identifier: MIT */
/* ask.h - what the core does not decide itself: who somebody is, and what they
 * may. It asks through the port, and goes on when the answer is there. */
#ifndef GODWIT_SERVER_ASK_H
#define GODWIT_SERVER_ASK_H

#include "server/core/settings.h"

/** What is asked. */
enum gw_ask {
  GW_ASK_CONNECT,   /**< Hello: who is this? */
  GW_ASK_REFRESH,   /**< Refresh: is the new token as good as the old one? */
  GW_ASK_SUBSCRIBE, /**< may it subscribe to the channel? */
  GW_ASK_SUBSCRIPTION_REFRESH, /**< is the new token of a channel good? */
  GW_ASK_PUBLISH,              /**< may it publish this? */
  GW_ASK_PRESENCE,             /**< may it see who is in the channel? */
  GW_ASK_HISTORY,              /**< may it read what was published before? */
  GW_ASK_CHANNEL /**< may it change what is known about the channel? */
};

/** A question. Views are valid until ask returns. */
typedef struct gw_question {
  enum gw_ask kind;
  uint64_t session; /**< both for gw_hub_decide */
  uint64_t ticket;
  void *conn; /**< what gw_hub_open was given */
  uint64_t client;
  gw_view user; /**< as decided at CONNECT; there: as claimed in Hello */
  gw_view peer;
  gw_view agent; /**< CONNECT */
  gw_view token; /**< empty: none was given */
  /* of the questions about a channel */
  const gw_namespace *ns;
  gw_view channel;
  const gw_rule *rule;       /**< which of its ways are left to ask about */
  const gw_publish *publish; /**< PUBLISH */
  gw_view meta;              /**< SUBSCRIBE: JSON that comes with it */
} gw_question;

/** An answer. Views belong to whoever gives it; they are copied. */
typedef struct gw_verdict {
  uint32_t code; /**< GW_CODE_OK, or why not */
  gw_view message;
  uint32_t retry_after_ms;
  /** Lifetime of what is granted (CONNECT, REFRESH, SUBSCRIBE and its
   * refresh); 0: as long as the connection. */
  uint64_t ttl_ms;
  /** Names the token, for revocation (gw_token_id); 0: it rests on none. */
  uint64_t token_id;
  uint64_t issued_ms; /**< of the token, since 1970; 0: it does not say */
  bool by_token; /**< SUBSCRIBE: it is the channel's token that lets it in */
  /* CONNECT */
  gw_view user;            /**< empty: anonymous */
  gw_view info;            /**< JSON that goes with the user; empty: none */
  bool is_only_claimed;    /**< nobody vouches for the user's name */
  const gw_view *channels; /**< to subscribe the connection to */
  size_t num_channels;
  /* PUBLISH */
  bool replaces; /**< publish this in place of what was asked about */
  gw_view data;
  gw_view json;
} gw_verdict;

/** Names a token by its claim jti or, when that is empty, by its whole text: the
 * same on every worker and node. Never 0. */
uint64_t gw_token_id(gw_view jti, gw_view token);

#endif
