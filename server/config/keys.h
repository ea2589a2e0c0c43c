/* SPDX-License-Identifier: MIT */
/* keys.h - the table of every configuration key. File, environment, flags, the
 * printed default and the JSON Schema are all made from it. */
#ifndef GODWIT_SERVER_CONFIG_KEYS_H
#define GODWIT_SERVER_CONFIG_KEYS_H

#include <stdint.h>

#include "server/config/config.h"

/** How a key's value is written, and what holds it. */
enum gw__key_type {
  GW__KEY_TEXT,     /**< char *, never NULL */
  GW__KEY_ADDRESS,  /**< char *; addresses, as a list; see gw_config_address */
  GW__KEY_BOOL,     /**< bool */
  GW__KEY_NUMBER,   /**< uint32_t */
  GW__KEY_DURATION, /**< uint32_t, milliseconds; written 15s, 500ms */
  GW__KEY_SIZE,     /**< uint32_t, bytes; written 64KiB, 512 */
  GW__KEY_CHOICE,   /**< uint32_t, index of one of the choices */
  GW__KEY_RATE,     /**< gw_rate; written 100/s, 30/m burst 50; 0: any */
  GW__KEY_LIST,     /**< char *, never NULL: words with commas between them; in
                         YAML also a list */
  /* words.c */
  GW__KEY_RULE,        /**< gw_rule; written as words: user, role:editor */
  GW__KEY_WORDS,       /**< gw_words; the same */
  GW__KEY_TRANSITIONS, /**< gw_transitions; online 5m away, away 30m offline */
  GW__KEY_GROUP        /**< char [GW_MAX_CHANNEL_BYTES + 1]; team:{1} */
};

typedef struct gw__key {
  const char *path; /**< section.key, section.section.key; those of a section
                         side by side, inner sections last */
  enum gw__key_type type;
  size_t offset; /**< in gw_config or gw_namespace */
  uint32_t min;  /**< of a number; of an address: 0 allows an empty one */
  uint32_t
      max; /**< of a number; of a rate: its number and burst; of a rule: the
                      ways that make sense */
  const char *const *choices; /**< the last is NULL */
  const char *text;           /**< sentences for people, a line each */
} gw__key;

/** Keys of the whole server, in gw_config. The last has no path. */
extern const gw__key gw__config_keys[];
/** Keys of a namespace, in gw_namespace: at the top they hold for channels of
 * no namespace, and where a namespace does not say otherwise. */
extern const gw__key gw__namespace_keys[];

/** A list of items with keys of their own, such as routes. */
typedef struct gw__list {
  const char *name;    /**< as a path: section.name for one in a section */
  const gw__key *keys; /**< in an item */
  const char *first;   /**< key that an item of a single value stands for, or
                                the name in a mapping of single values; NULL */
  const char *second;  /**< key of the values in such a mapping; NULL */
  size_t item_size;
  size_t items_at;      /**< in gw_config: pointer to the items */
  size_t num_at;        /**< in gw_config: how many */
  const void *defaults; /**< an item, texts NULL */
  const char *text;     /**< sentences for people, a line each */
  const char *example;  /**< YAML of the list, a line each */
} gw__list;

#define GW__NUM_LISTS 4u
extern const gw__list gw__lists[GW__NUM_LISTS];

/** Whether its field is a char *. */
bool gw__key_is_text(const gw__key *key);

/** Give each text field a copy of its own: what is NULL is empty. 0,
 * GW_ERR_NOMEM. */
GW_MUST_USE int gw__texts_init(const gw__key *keys, void *at);
void gw__texts_deinit(const gw__key *keys, void *at);

/** Room for a value as text, except that of a text key. */
#define GW__VALUE_MAX 1280u
/** Room for what is wrong with a value. */
#define GW__WHY_MAX 320u

/** Whether its field is a char *. */
bool gw__key_is_text(const gw__key *key);

/** NULL when there is none of that path in a table. */
const gw__key *gw__key_find(const gw__key *keys, const char *path);

/**
 * Parse a value into its field.
 *   at       the struct that the key's offset is in
 *   owner    a text field is freed and replaced
 *   returns  0; GW_ERR_INVALID, why gets a sentence that names the value and
 *            what is allowed; GW_ERR_NOMEM
 */
GW_MUST_USE int gw__value_set(const gw__key *key, void *at, const char *text,
                              char why[GW__WHY_MAX]);

/** A field as text that gw__value_set reads as the same. space backs the
 * result, unless it is the field's own text. */
const char *gw__value_text(const gw__key *key, const void *at,
                           char space[GW__VALUE_MAX]);

/** A number of the key's type as text, such as a limit of its range. */
const char *gw__number_text(const gw__key *key, uint32_t number,
                            char space[GW__VALUE_MAX]);

/** Milliseconds of a time with its unit; false when it is none. */
bool gw__duration_read(const char *text, uint32_t *ms);

/* words.c: values that are made of words. As gw__value_set and _text, with the
 * field itself. */
bool gw__words_is(const gw__key *key);
int gw__words_set(const gw__key *key, void *field, const char *text,
                  char why[GW__WHY_MAX]);
const char *gw__words_text(const gw__key *key, const void *field,
                           char space[GW__VALUE_MAX]);
/** A pattern of ECMA-262 that the text has to match, for the JSON Schema; freed
 * by the caller. */
char *gw__words_pattern(const gw__key *key);

/** Number of edits (insert, delete, replace, swap neighbours) between texts, or
 * limit, if there are as many or more: that is often known early. */
size_t gw__edit_distance(const char *a, const char *b, size_t limit);

/** What was meant by a name that is not known, of the names looked at so far. */
typedef struct gw__nearest {
  const char *name; /**< NULL: none yet */
  size_t away;      /**< others have to be nearer than this */
} gw__nearest;
#define GW__NEAREST_NONE ((gw__nearest){NULL, SIZE_MAX})
/** Take a name if it is nearer; of those as near, the first stays. */
void gw__nearest_try(gw__nearest *n, const char *name, const char *wanted);

#endif
