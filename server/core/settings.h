/* SPDX-License-Identifier: MIT */
/* settings.h - what the configuration says to the core; read-only, shared by all
 * workers of a node. */
#ifndef GODWIT_SERVER_SETTINGS_H
#define GODWIT_SERVER_SETTINGS_H

#include "godwit/wire.h"
#include "server/core/bucket.h"

/** What somebody may want to do in a channel. */
enum gw_action {
  GW_ACTION_SUBSCRIBE,
  GW_ACTION_PUBLISH,
  GW_ACTION_PRESENCE, /**< see who is there */
  GW_ACTION_HISTORY,  /**< read what was published before */
  GW_ACTION_CHANNEL,  /**< say what is known about it: its metadata */
  GW_NUM_ACTIONS
};

/** Words, each with a NUL behind it. No pointers, so that settings can be copied
 * as they are. */
#define GW_WORDS_BYTES 256u
typedef struct gw_words {
  uint32_t len; /**< bytes in use */
  char text[GW_WORDS_BYTES];
} gw_words;

bool gw_words_has(const gw_words *w, gw_view word);
/** The word after one, from NULL on; NULL at the end. */
const char *gw_words_next(const gw_words *w, const char *word);
/** False when there is no room for it. */
bool gw_words_add(gw_words *w, gw_view word);

/** Who may: any of these ways is enough; none: nobody. */
enum gw_who {
  GW_WHO_ANYONE = 1,
  GW_WHO_USER = 2,       /**< whose name an authenticator vouches for */
  GW_WHO_SUBSCRIBER = 4, /**< of the channel */
  GW_WHO_TOKEN = 8,      /**< who subscribed with a token for the channel */
  GW_WHO_HOOK = 16,      /**< whom the application lets */
  GW_WHO_MEMBER = 32,    /**< of the group, in a role that permits it */
  GW_WHO_ROLE = 64 /**< of the group, in one of the roles that are named */
};

typedef struct gw_rule {
  uint32_t who;   /**< bits of enum gw_who */
  gw_words roles; /**< of ROLE */
} gw_rule;

/** What a channel keeps of what was published. */
enum gw_history_mode {
  GW_HISTORY_STREAM, /**< the last publications */
  GW_HISTORY_LATEST, /**< the newest */
  GW_HISTORY_MAP     /**< the newest of each item */
};

/** What divides the parts of a name for wildcards. */
enum gw_separator { GW_SEPARATOR_DOT, GW_SEPARATOR_SLASH };

/** What payloads have to be. */
enum gw_takes {
  GW_TAKES_ANY,
  GW_TAKES_JSON,
  GW_TAKES_BYTES,
  GW_TAKES_PROTOBUF /**< bytes that hold a message of the schema */
};

/** What texts have to be, beside UTF-8. */
enum gw_text_form {
  GW_TEXT_ANY,
  GW_TEXT_NFC /**< Unicode's normalisation form C */
};

/** What a connection does that is counted. */
enum gw_operation {
  GW_OPERATION_SUBSCRIBE,
  GW_OPERATION_PUBLISH,
  GW_OPERATION_CALL,
  GW_OPERATION_PRESENCE,
  GW_NUM_OPERATIONS
};

/** What happens to a connection of a user that has as many as it may. */
enum gw_crowd { GW_CROWD_REFUSE, GW_CROWD_CLOSE_OLDEST };

/** Which of the data that waits for a connection is sent first. */
enum gw_priority { GW_PRIORITY_NORMAL, GW_PRIORITY_HIGH, GW_PRIORITY_LOW };

/** A state of a presence's member turns into another by itself. */
typedef struct gw_transition {
  char from[GW_MAX_STATE_BYTES + 1];
  char to[GW_MAX_STATE_BYTES + 1]; /**< offline: leaves */
  uint32_t after_ms;               /**< since the user did something */
} gw_transition;

#define GW_MAX_TRANSITIONS 8u
typedef struct gw_transitions {
  uint32_t num;
  gw_transition items[GW_MAX_TRANSITIONS];
} gw_transitions;

/** The state that an empty one stands for, and the one that leaves. */
#define GW_STATE_ONLINE  "online"
#define GW_STATE_OFFLINE "offline"

/** Which bodies are compressed for clients that read that. */
typedef struct gw_packing {
  bool on;
  uint32_t min_bytes; /**< shorter bodies are sent as they are */
} gw_packing;

/** Settings of the channels whose name begins with "name:". The one with an
 * empty name is for the rest. */
typedef struct gw_namespace {
  const char *name;
  uint32_t history_mode;   /**< enum gw_history_mode */
  uint32_t history_size;   /**< publications kept; 0: none, no recovery; of a
                                map: items, at least 1 */
  uint32_t history_bytes;  /**< bytes of these; 0: no limit */
  uint32_t history_ttl_ms; /**< STREAM: how long; 0: while there is room */
  uint32_t item_ttl_ms;    /**< LATEST, MAP: how long a value lives at most; 0:
                                until another takes its place */
  uint32_t idle_ms;        /**< an unused channel is forgotten after this and
                                 after its history is gone */
  uint32_t lifetime_ms; /**< a channel ends this long after it was made; 0: it
                                does not */
  bool ends_with_last;  /**< it ends idle_ms after the last subscriber left,
                                with its history */
  bool events;          /**< news of channels are published; see news.h */
  bool wildcards;       /**< one may subscribe to patterns of names */
  uint32_t priority;  /**< enum gw_priority, of all that subscribers are sent */
  uint32_t separator; /**< enum gw_separator */
  uint32_t names;     /**< enum gw_text_form, of channels' names */
  uint32_t payload;   /**< enum gw_takes */
  uint32_t text;      /**< enum gw_text_form, of payloads in JSON */
  const char *schema_file;        /**< "": none */
  const char *schema_message;     /**< of a PROTOBUF: its full name; else "" */
  const struct gw_schema *schema; /**< that payloads fit; NULL: any do */
  bool presence;                  /**< members may enter and be seen */
  uint32_t presence_grace_ms;
  uint32_t presence_coalesce_ms;
  uint32_t presence_mode;       /**< enum gw_presence_mode */
  uint32_t presence_full_limit; /**< clients above which FULL and IDS become
                                     presence_large; 0: none */
  uint32_t presence_large;      /**< COUNTS or SAMPLED */
  uint32_t presence_sample;     /**< members that SAMPLED shows */
  uint32_t presence_counts_ms;  /**< between what COUNTS and SAMPLED tell */
  gw_words presence_states;     /**< that members may have; none: any */
  gw_transitions presence_transitions;
  char group[GW_MAX_CHANNEL_BYTES + 1]; /**< of a channel: a name with {N} for
                                             parts of the channel's; or empty */
  gw_rule allow[GW_NUM_ACTIONS];        /**< by enum gw_action */
  uint32_t batch_delay_ms; /**< publications are gathered for this long to go
                                out together; 0: each goes at once */
  uint32_t batch_bytes;    /**< or until they are this many bytes */
  bool delta; /**< subscriptions may take publications as changes to the one
                   before */
  uint32_t delta_min_bytes; /**< of a payload that this is tried with */
  gw_packing packing;   /**< publications, presence, metadata; of the one for
                                 the rest also messages, calls and answers */
  gw_rate publish_rate; /**< of one channel, by all its publishers */
} gw_namespace;

#define GW_NUM_ADDRESSES (GW_ADDRESS_EVERYBODY + 1)

typedef struct gw_settings {
  gw_limits limits; /**< announced in Welcome and enforced; max_queue_bytes at
                       least twice max_frame_bytes */
  uint32_t ping_interval_ms;
  uint32_t ping_timeout_ms;
  uint32_t handshake_timeout_ms;
  uint32_t idle_after_ms; /**< a connection is idle after nothing but pings for
                               this long; 0: none is */
  uint32_t resume_ttl_ms; /**< who comes back within this is not asked about
                               again; 0: everybody is */
  uint32_t resume_max;    /**< lost connections that a worker knows so */
  uint32_t conn_grace_ms; /**< a lost one may come back for this long */
  uint32_t conn_log_size; /**< changes of connections that a worker remembers */
  uint32_t max_connections;         /**< per worker; 0: no limit */
  gw_rate rates[GW_NUM_OPERATIONS]; /**< of a connection, by enum gw_operation;
                                         limits.publish_per_second tells its
                                         part of them */
  gw_rate user_rate; /**< operations of a user that an authenticator vouches
                          for, on the whole node */
  uint32_t
      max_user_connections; /**< of such a user, on the node; 0: no limit */
  uint32_t user_crowd;      /**< enum gw_crowd: over that */
  uint32_t max_revocations; /**< that are remembered */
  uint64_t max_token_ms;    /**< no token lives for longer; 0: not known */
  uint32_t max_channels;    /**< owned per worker; 0: no limit */
  uint32_t max_forwarded;   /**< unanswered commands to one other worker */
  uint32_t dedup_window_ms;
  bool relay_calls; /**< clients may call each other */
  /** The name that a client claims counts as one that an authenticator vouches
   * for, where there is none: for development. */
  bool trusts_names;
  gw_rule send[GW_NUM_ADDRESSES]; /**< which clients may send messages, by
                                       enum gw_address */
  gw_rule group_create;           /**< which clients may create groups */
  uint32_t max_groups;            /**< owned per worker */
  uint32_t max_memberships;       /**< in all of these */
  const char *node;
  const gw_namespace *namespaces; /**< the last has an empty name */
  size_t num_namespaces;
  const struct gw_machine *machines; /**< see machine.h */
  size_t num_machines;
} gw_settings;

/** Every default, one namespace. */
extern const gw_settings gw_settings_default;

/** The namespace of a name; NULL when there is none, "" being for the rest. */
const gw_namespace *gw_settings_named(const gw_settings *s, const char *name);

/** Whether anything is compressed. */
bool gw_settings_packs(const gw_settings *s);

/** Revocations remembered by default, at some 64 bytes on each worker. */
#define GW_MAX_REVOCATIONS 100000u

/** The namespace of a channel. Never NULL. */
const gw_namespace *gw_settings_namespace(const gw_settings *s,
                                          gw_view channel);

#endif
