/* SPDX-License-Identifier: MIT */
/* guard.h - defences that a test may switch off one at a time, to see that it
 * would be noticed. In a product they cannot be: GW_GUARD is true. */
#ifndef GODWIT_GUARD_H
#define GODWIT_GUARD_H

/*
 * Written where a defence stands:
 *
 *   if (GW_GUARD(EPOCH) && epoch != ch->epoch) ...
 *
 * Only the build of `make mutants` (-DGW_MUTANTS) looks whether it is the one that
 * is off. tests/sim/mutants.c holds the list to what the simulator finds.
 */

/** X(name, what is lost without it) */
#define GW_GUARDS(X)                                                      \
  X(GENERATION, "news of an older connection are ignored")                \
  X(RECEIVER_DEDUP, "a receiver drops a repeat")                          \
  X(ANEW_FORGETS, "a list that begins anew is no repeat")                 \
  X(OUTBOX_REWIND, "what is in doubt after a loss is sent again")         \
  X(OUTBOX_WINDOW, "no more is in flight than receivers remember")        \
  X(PRECEDING_KEY, "a publication says which one it follows")             \
  X(REQUEST_TIMEOUT, "what is not answered is given up, at both ends")    \
  X(CLIENT_LIVENESS, "a client gives up a silent connection")             \
  X(CONNECT_TIMEOUT, "a client gives up a server that says no Welcome")   \
  X(BACKOFF, "attempts to connect are apart")                             \
  X(ONE_QUESTION, "a token is asked for once at a time")                  \
  X(STALE_ANSWER, "a token that comes too late is dropped")               \
  X(PRESENCE_AGAIN, "a presence is entered again after a loss")           \
  X(CREDIT_GRANT, "what was handled is granted again")                    \
  X(GAP_POSITION, "a gap moves the position")                             \
  X(NUMBER_LOST, "numbers of channels do not outlive a connection")       \
  X(SENDER_DEDUP, "a server takes a key once")                            \
  X(REFUSED_HOLDS, "nothing overtakes a refused publication")             \
  X(COMPARE, "compare and set compares")                                  \
  X(MACHINE, "a state machine moves by its transitions only")             \
  X(VOID_EXPIRY, "an item that was set again does not expire")            \
  X(NO_ECHO, "who wants no echo gets none")                               \
  X(EPOCH, "an offset of another epoch is none")                          \
  X(MAP_FLOOR, "who missed removals begins anew")                         \
  X(DRAW_HOLE, "what the history lost is told")                           \
  X(DRAW_FILTER, "a recovery goes through the filter")                    \
  X(LIVE_FILTER, "a live publication goes through the filter")            \
  X(FALL_BEHIND, "a slow reader falls back to the history")               \
  X(QUEUE_CAP, "the queue of a slow reader has a cap")                    \
  X(CREDIT, "no data is sent without credit")                             \
  X(SERVER_LIVENESS, "a server gives up a silent connection")             \
  X(HANDSHAKE_TIMEOUT, "a server gives up a client that says no Hello")   \
  X(GRACE_CANCEL, "who came back does not leave when the grace is over")  \
  X(GRACE_END, "who does not come back leaves")                           \
  X(PRESENCE_ORDER, "a later connection speaks for the member")           \
  X(PRESENCE_LOST, "the loss of an old connection is none of the member") \
  X(HELD_DIFFS, "changes during a snapshot come behind it")               \
  X(MEMBERS_ONLY, "a channel of members is for members")                  \
  X(MEMBER_ENDS, "who is no member any more is told nothing more")        \
  X(TOKEN_EXPIRY, "a connection ends with its token")                     \
  X(LEASE_EXPIRY, "a subscription ends with its token")                   \
  X(REVOKED_COMES, "a token that was taken back is not taken again")      \
  X(REVOKED_ENDS, "what rests on a token that was taken back ends")       \
  X(RESUME_STILL, "a right that has ended meanwhile is not resumed")      \
  X(WAITING_MET, "who is asked about does not miss what is done to it")   \
  X(FOLLOWER_BEHIND, "a position may still be on its way to this worker") \
  X(PATTERN_BEHIND, "what was sent to a pattern before comes first")      \
  X(LATE_MESSAGE, "a message is not for who came after it")

enum gw_guard {
  GW_GUARD_NONE, /**< nothing is off */
#define X(name, what) GW_GUARD_##name,
  GW_GUARDS(X)
#undef X
      GW_NUM_GUARDS
};

#ifdef GW_MUTANTS
/** What is off: by the program that is linked. */
extern enum gw_guard gw_guard_off;
#define GW_GUARD(name) (gw_guard_off != GW_GUARD_##name)
#else
#define GW_GUARD(name) (GW_GUARD_##name != GW_GUARD_NONE)
#endif

#endif
