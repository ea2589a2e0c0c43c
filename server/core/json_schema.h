/* SPDX-License-Identifier: MIT */
/* json_schema.h - the schema as protobuf-c describes it, and its names in JSON:
 * shared by json_read.c and json_write.c. */
#ifndef GODWIT_SERVER_JSON_SCHEMA_H
#define GODWIT_SERVER_JSON_SCHEMA_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

/** Fields of one message at most; a test holds the schema to it. */
#define GW__JSON_FIELDS_MAX 32u

/** A type of frame: its number, the key of its message, and the message. */
typedef struct gw__json_type {
  uint8_t number;
  const char *name; /**< as the schema would name a field: presence_set */
  const ProtobufCMessageDescriptor *message;
} gw__json_type;

/** NULL for an unknown one. */
const gw__json_type *gw__json_type_of(uint8_t number);
/** By key, in either spelling; NULL for an unknown one. */
const gw__json_type *gw__json_type_named(const char *key);

/** Number of a field's place in a message, by key, in either spelling; -1 for
 * an unknown one. */
int gw__json_field_named(const ProtobufCMessageDescriptor *message,
                         const char *key);

/** Whether a message stands for any JSON, whose text is its only field. */
bool gw__json_is_any(const ProtobufCMessageDescriptor *message);

/** Room for the name of any field. */
#define GW__JSON_NAME_MAX 64u

/** The lowerCamelCase form of a name in the schema; returns its length. */
size_t gw__json_name(char to[GW__JSON_NAME_MAX], const char *name);

#endif
