/* The collection types: what the keyspace must know of them. */
#ifndef LARDER_TYPES_TYPES_H
#define LARDER_TYPES_TYPES_H

struct keyspace;

/* Tells the keyspace what each type's objects can do; once, at start, before any command. */
void types_register(struct keyspace *ks);

#endif
