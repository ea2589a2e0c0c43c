/* SPDX-License-Identifier: MIT */
/* notice.h - what happened, for whoever outside the core wants to know. */
#ifndef GODWIT_SERVER_NOTICE_H
#define GODWIT_SERVER_NOTICE_H

#include "godwit/wire.h"

enum gw_notice_kind {
  GW_NOTICE_CONNECT,    /**< a connection was welcomed */
  GW_NOTICE_DISCONNECT, /**< a connection has ended */
  GW_NOTICE_PRESENCE,   /**< told by the owner of the channel */
  GW_NOTICE_CHANNEL     /**< told by the owner; of a subscription by the
                             subscriber's worker: gw_hub_set_on_channel */
};

/** What happens to a channel. */
enum gw_channel_event {
  GW_CHANNEL_CREATED,
  GW_CHANNEL_SUBSCRIBED, /**< it may be a pattern of names */
  GW_CHANNEL_UNSUBSCRIBED,
  GW_CHANNEL_DESTROYED
};

/** Views are valid until the port's function returns. */
typedef struct gw_notice {
  enum gw_notice_kind kind;
  uint64_t client; /**< CREATED, DESTROYED: 0 */
  gw_view user;
  uint64_t connection; /**< CONNECT, DISCONNECT, CHANNEL */
  /* CONNECT, DISCONNECT; without a welcome client and connection are 0 */
  void *conn;
  uint64_t session;
  gw_view peer;
  bool is_known; /**< an authenticator vouches for the user's name */
  uint32_t code; /**< 0: it was lost */
  uint64_t duration_ms;
  gw_view channel;             /**< PRESENCE, CHANNEL */
  enum gw_channel_event event; /**< CHANNEL */
  /* PRESENCE */
  uint32_t change;           /**< enum gw_presence_kind */
  gw_presence_member member; /**< of a leave: as it was */
  uint64_t version;          /**< of the presence, then */
  bool first; /**< ENTER: it is the first client of its user there */
  bool last;  /**< LEAVE: it was the last one */
} gw_notice;

#endif
