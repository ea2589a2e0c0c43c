/* SPDX-License-Identifier: MIT */
/* config.h - the server's configuration: defaults, godwit.yaml, environment and
 * flags, in this order of rising precedence. */
#ifndef GODWIT_SERVER_CONFIG_H
#define GODWIT_SERVER_CONFIG_H

#include <stdio.h>

#include "server/auth/auth.h"

/** Exit code of a program whose configuration is not valid. */
#define GW_CONFIG_EXIT 2

/** Numbers as in the server's log: lower is more urgent. */
enum gw_config_log_level {
  GW_CONFIG_LOG_ERROR,
  GW_CONFIG_LOG_WARN,
  GW_CONFIG_LOG_INFO,
  GW_CONFIG_LOG_DEBUG
};

enum gw_config_log_format { GW_CONFIG_LOG_TEXT, GW_CONFIG_LOG_JSON };

/** What the application's backend can be asked, or told. */
enum gw_config_hook {
  GW_HOOK_CONNECT,
  GW_HOOK_REFRESH,
  GW_HOOK_SUBSCRIBE,
  GW_HOOK_PUBLISH,
  GW_HOOK_RPC,
  GW_HOOK_DISCONNECT, /**< told */
  GW_HOOK_PRESENCE,   /**< told */
  GW_HOOK_CONNECTION, /**< told */
  GW_HOOK_CHANNEL,    /**< told */
  GW_NUM_HOOKS
};

/** What happens to a question when the backend does not answer it. */
enum gw_when_down { GW_DOWN_REFUSE, GW_DOWN_ALLOW, GW_DOWN_CACHED };

typedef struct gw_config_hooks {
  char *url;    /**< empty: hooks have their own, or are not used */
  char *secret; /**< signs requests; empty: they are not signed */
  char *use;    /**< names of hooks that are used */
  uint32_t timeout_ms;
  uint32_t attempts;
  uint32_t connections;
  uint32_t max_waiting;
  uint32_t cache_ms;
  struct {
    char *url;           /**< empty: the common one */
    uint32_t timeout_ms; /**< 0: the common one */
    uint32_t when_down;  /**< enum gw_when_down */
    bool is_used;        /**< found out at loading */
  } of[GW_NUM_HOOKS];
} gw_config_hooks;

/** "connect" */
const char *gw_config_hook_name(enum gw_config_hook hook);
enum gw_config_tls { GW_CONFIG_TLS_1_2, GW_CONFIG_TLS_1_3 };

/** An item of `routes:`; see server/edge/route.h. */
typedef struct gw_config_route {
  char *path;
  char *channels;
  char *space;
  char *origins;
  char *subprotocols;
  bool anonymous;
  bool keep;
} gw_config_route;

/** Which links a static folder may have in it. */
enum gw_config_symlinks { GW_SYMLINKS_NONE, GW_SYMLINKS_INSIDE };

/** An item of `static:`. */
typedef struct gw_config_static {
  char *path;
  char *folder;
  uint32_t cache_ms;
  uint32_t symlinks; /**< enum gw_config_symlinks */
  char *csp;
} gw_config_static;

/** An item of `plugins:`. */
typedef struct gw_config_plugin {
  char *path;
  char *settings;
} gw_config_plugin;

/** An item of `admin.users:`. */
typedef struct gw_config_admin_user {
  char *name;
  char *password;      /**< its hash; empty: in the file */
  char *password_file; /**< empty: none */
} gw_config_admin_user;

/** Who may use the page for administrators. */
typedef struct gw_config_admin {
  gw_config_admin_user *users; /**< none: there is no page */
  size_t num_users;
  char *origins; /**< words as of origins; empty: same */
  uint32_t idle_ms;
  uint32_t lifetime_ms;
  uint32_t max_sessions;
  gw_rate failures; /**< of one address, and of one name */
} gw_config_admin;

/**
 * Everything that can be configured. `godwit config default` explains each key;
 * keys.c is the one table that they all come from. All read-only after
 * gw_config_load; strings are never NULL and belong to the configuration, which
 * must outlive whoever uses settings.
 */
typedef struct gw_config {
  char *listen_public;   /**< addresses; see gw_config_address */
  char *listen_internal; /**< the same; empty: no internal listener */
  char *unix_mode;       /**< octal; see gw_config_mode */
  char *trusted_proxies; /**< see server/edge/networks.h */
  bool proxy_protocol;   /**< trusted proxies begin with a PROXY header */
  uint32_t forwarded;    /**< enum gw_forwarded_by */
  char *http_headers;    /**< that handlers may see */
  bool http_keep;        /**< requests are kept for the life of connections */
  uint32_t http_max_request_bytes; /**< of what is seen of a request */
  uint32_t http_max_file_bytes;
  char *middleware;           /**< names of links, in their order */
  char *access_log_file;      /**< empty: the standard error */
  uint32_t access_log_format; /**< enum gw_config_log_format */
  uint32_t access_log_sample; /**< one of so many connections is logged */
  gw_rate request_rate;       /**< of the link rate_limit: of one address */
  gw_rate frame_rate;         /**< of the link rate_limit: of one connection */
  char *compression_paths;    /**< of the link compression; see its header */
  char *compression_except;   /**< networks */
  char *compression_header;
  char *tls_cert;           /**< PEM file; empty: no TLS, and no tls_key */
  char *tls_key;            /**< PEM file */
  uint32_t tls_min_version; /**< enum gw_config_tls */
  uint32_t workers;         /**< never 0: one per core is filled in */
  char *data;               /**< folder; empty: memory only */
  bool dev;                 /**< serves the demo at / */
  uint32_t log_level;       /**< enum gw_config_log_level */
  uint32_t log_format;      /**< enum gw_config_log_format */
  uint32_t drain_window_ms; /**< clients are told to come back over this long */
  uint32_t drain_timeout_ms; /**< then the server exits all the same */
  char *origins;             /**< words; see server/auth/origin.h */
  gw_auth_settings auth;
  char *api_keys;    /**< words; see server/auth/api_keys.h; empty: loopback
                          only */
  char *api_origins; /**< words as of origins: pages that may use the API */
  uint32_t api_max_request_bytes;
  uint32_t api_request_timeout_ms; /**< for a body to come */
  gw_config_admin admin;
  gw_config_hooks hooks;
  gw_rate connect_rate;             /**< of one address */
  uint32_t max_address_connections; /**< of one address; 0: no limit */
  gw_config_route *routes;
  size_t num_routes;
  gw_config_static *statics;
  size_t num_statics;
  gw_config_plugin *plugins;
  size_t num_plugins;
  gw_settings settings; /**< points into this configuration */
  bool has_file;        /**< a file was read */
  /* private */
  char *node;
  gw_namespace base; /* what a namespace does not say itself */
  struct gw_config_place *places;
  gw_namespace *namespaces;
  struct gw_machine *machines;
} gw_config;

/**
 * Load the configuration of this process.
 *   argv      flags after the subcommand, without program name: --KEY VALUE,
 *             --KEY=VALUE, --dev (a truth value needs none), --config FILE
 *   file      --config, or GODWIT_CONFIG, or godwit.yaml in the current folder
 *             if there is one
 *   errors    gets a line for each mistake: file, line, key, what is allowed,
 *             and the nearest known key for an unknown one
 *   owner     gw_config_deinit, also after a failure
 *   returns   0, GW_ERR_INVALID (errors says why), GW_ERR_NOMEM
 */
GW_MUST_USE int gw_config_load(gw_config *c, int argc, char **argv,
                               FILE *errors);

/** Load one file over the defaults, without environment and flags; "-" is the
 * standard input. Otherwise as gw_config_load. */
GW_MUST_USE int gw_config_load_file(gw_config *c, const char *path,
                                    FILE *errors);

/** As gw_config_load_file or, without a path, as gw_config_load without flags, for
 * a configuration of another machine: files that it names are not read, so its
 * namespaces have no schema. */
GW_MUST_USE int gw_config_load_bare(gw_config *c, const char *path,
                                    FILE *errors);

void gw_config_deinit(gw_config *c);

/** Where a text of the configuration is from: FILE:LINE, a variable or a flag.
 *   field    its char *, such as &c->tls_cert; in a namespace or an item, too
 *   returns  NULL: nobody gave it */
const char *gw_config_place(const gw_config *c, const void *field);
/** The same by the name of its key, such as tls.cert. NULL also when there is no
 * such key. */
const char *gw_config_place_of_key(const gw_config *c, const char *key);

/** Room for the host part of an address. */
#define GW_CONFIG_HOST_MAX 256u

/**
 * Split HOST:PORT. Host "localhost" means the loopback of both address
 * families,
 * "*" every address of both; otherwise a name or an address, IPv6 ones in
 * brackets in the text and without them in host. Port 0: the system chooses.
 *   returns  0, GW_ERR_INVALID
 */
GW_MUST_USE int gw_config_address(const char *text,
                                  char host[GW_CONFIG_HOST_MAX],
                                  uint16_t *port);

/** What an address begins with that is the path of a Unix socket. */
#define GW_CONFIG_UNIX "unix:"
/** Room for the path: what the system takes, with its NUL. */
#define GW_CONFIG_UNIX_PATH_MAX 108u

/** The path of unix:/PATH; NULL: it is another kind of address, or too long. */
const char *gw_config_unix_path(const char *text);

/** Room for one word of a list. */
#define GW_CONFIG_WORD_MAX 512u
/** The next word of a list with commas or blanks between them; false after the
 * last. Longer ones are cut. */
bool gw_config_next_word(const char **list, char word[GW_CONFIG_WORD_MAX]);

typedef struct gw_routes gw_routes;
/** Add the configured routes. 0; otherwise as gw_routes_add, with its why. */
GW_MUST_USE int gw_config_add_routes(const gw_config *c, gw_routes *routes,
                                     char *why);

/** Permissions in octal, such as 0660. -1: it is none. */
int gw_config_mode(const char *text);

/** A commented godwit.yaml with every key at its default. */
void gw_config_print_default(FILE *to);

/** The JSON Schema of godwit.yaml. */
void gw_config_print_schema(FILE *to);

/** Flags with their defaults, for --help. */
void gw_config_print_flags(FILE *to);

#endif
