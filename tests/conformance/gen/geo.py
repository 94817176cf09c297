"""Places in sorted sets."""

from gen.atoms import Gen, any_order, case, maybe, member, one_of, some, zset_key

geo_key = one_of("geo0", "geo1", "geo2")
# Of places that are as far away as each other COUNT may leave out any: no two places are the same.
dst_key = one_of("geo3", "geo0")


def degrees(rng, most):
    """A degree, seldom one on the edge of the map or beyond."""
    if rng.random() < 0.04:
        return rng.choice([most + 0.5, "x", "", "nan"])
    return rng.choice([most, -most]) if rng.random() < 0.04 else round(rng.uniform(-most, most), 9)


def place(rng):
    if rng.random() < 0.4:
        return ["%.9f" % rng.uniform(13, 15), "%.9f" % rng.uniform(37, 39)]
    longitude = degrees(rng, 180)
    return [longitude, degrees(rng, 85.05112878) if longitude not in (180, -180) else round(rng.uniform(-85, 85), 9)]


def length(rng):
    return rng.choice([0, 1, 50, 200.5, 1000, 20000, 500000, 5e6, 3e7, -1, "x"] if rng.random() < 0.2 else [200, 500, 5000])


unit = one_of("m", "km", "KM", "km", "km", "ft", "mi", "ly")
count = maybe("COUNT", one_of(1, 2, 5, 100, 0, "x"), maybe("ANY", p=0.3), p=0.3)
order = maybe(one_of(case("ASC"), case("DESC")), p=0.5)
shown = any_order(maybe(case("WITHDIST")), maybe("WITHHASH", p=0.3), maybe("WITHCOORD"))
start = one_of(["FROMLONLAT", place], ["FROMLONLAT", place], ["FROMMEMBER", member], [])
shape = one_of(["BYRADIUS", length, unit], ["BYRADIUS", length, unit], ["BYBOX", length, length, unit], [])
area = any_order(start, shape, count, order)
store = maybe(one_of("STORE", "STOREDIST"), dst_key, p=0.3)
flags = any_order(maybe(case("NX"), p=0.15), maybe(case("XX"), p=0.15), maybe(case("CH"), p=0.25))


def look(rng, args):
    return [["ZRANGE", key, 0, -1] for key in ("geo0", "geo3")]


TABLE = {
    "geoadd": Gen(geo_key, flags, some([place, member], 1, 5), weight=5),
    "geopos": Gen(one_of(geo_key, geo_key, zset_key), some(member, 0, 3)),
    "geohash": Gen(one_of(geo_key, geo_key, zset_key), some(member, 0, 3)),
    "geodist": Gen(one_of(geo_key, geo_key, zset_key), member, member, maybe(unit)),
    "geosearch": Gen(geo_key, any_order(area, shown), weight=2),
    "geosearchstore": Gen(dst_key, geo_key, area, maybe("STOREDIST", p=0.3), after=look),
    "georadius": Gen(geo_key, place, length, unit, any_order(count, order, shown, store), after=look),
    "georadius_ro": Gen(geo_key, place, length, unit, any_order(count, order, shown)),
    "georadiusbymember": Gen(geo_key, member, length, unit, any_order(count, order, shown, store), after=look),
    "georadiusbymember_ro": Gen(geo_key, member, length, unit, any_order(count, order, shown)),
}
