/* SPDX-License-Identifier: MIT */
/* scope.h - shared state: whose keys a channel holds, and who may touch them. */
#ifndef GODWIT_SERVER_SCOPE_H
#define GODWIT_SERVER_SCOPE_H

#include "server/core/hub_state.h"

/*
 * Shared state is not a store of its own. The keys of a scope are the items of a
 * channel that keeps a map:
 *
 *    $state:user:ada       items: theme, cart/size
 *           scope id
 *
 * So a change is a publication, a version its position, watching a subscription
 * and a snapshot a recovery. What differs from other channels is who may: the
 * rules of the namespace $state (allow), and of these whom the scope belongs to.
 */
#define GWS_STATE_SPACE "$state"

enum gws_scope_kind {
  GWS_SCOPE_CONNECTION, /**< id: public id of the client, 16 hex digits; it stays
                             the same when the client comes back */
  GWS_SCOPE_USER,       /**< a user's own */
  GWS_SCOPE_CHANNEL,    /**< of the subscribers of the channel */
  GWS_SCOPE_GROUP,      /**< of members whose role permits read, or publish */
  GWS_SCOPE_FREE,       /**< of everybody whom the rules let */
  GWS_NUM_SCOPES
};

typedef struct gws_scope {
  enum gws_scope_kind kind;
  gw_view id;
} gws_scope;

/** "user" */
const char *gws_scope_word(enum gws_scope_kind kind);
/** False: there is no such scope. */
bool gws_scope_find(gw_view word, enum gws_scope_kind *kind);

/** Whether a channel holds the state of a scope; then of which. */
bool gws_scope_of(gw_view channel, gws_scope *scope);

/** The channel of a scope. Empty: the id is empty, or too long. */
gw_view gws_scope_channel(const gws_scope *scope,
                          char space[GW_MAX_CHANNEL_BYTES + 1]);

/*
 * Whoever watches the state of a channel or group has to leave it with that. The
 * subscription to the state cannot end in the midst of the end of another one, as
 * somebody may be walking through them: it is an orphan until the safe point, when
 * it is looked at.
 */

typedef struct gw_sub gw_sub;

/** A session is no longer subscribed to a channel. */
void gws_scope_left(gw_session *s, const gw_channel *ch);
/** An orphan ends for another reason. */
void gws_scope_forget(gw_sub *sub);
/** At the safe point: end orphans that are not let any more. */
void gws_scope_settle(gw_hub *h);
/** Whether a subscription to the state of a group is not let any more, of which
 * this worker has just learnt. */
bool gws_scope_is_lost(const gw_sub *sub, gw_view group);

/** A client is gone for good, and with it the state of its connection. */
void gws_scope_end(gw_hub *h, uint64_t client);
typedef struct gw_mail gw_mail;
void gws_scope_on_end(gw_hub *h, gw_mail *m);

/** Whether the scope belongs to the session, so far as the rules of $state let it
 * at all; is_change: a change is wanted. */
bool gws_scope_may(const gw_session *s, const gws_scope *scope, bool is_change);

#endif
