"""The words memos are made of: entities by kind, openings and fillers.

Pure data. Every list is split into a training and a test part by `memos`, so that a test memo
shares no entity with training.
"""

from latentflow.training.memo_places import CITIES, LANDMARKS

ENTITIES: dict[str, tuple[str, ...]] = {
    "first": tuple(
        "Amara Bruno Celia Dmitri Elena Farid Greta Hassan Ingrid Jonas Kavya Lorenzo Mei Nadia"
        " Oskar Priya Quentin Rosa Stefan Tamsin Umar Vera Wanda Xavier Yusuf Zora Anton Bianca"
        " Cyrus Delia Emil Fiona Gideon Helga Ivan Jasmin Klaus Leila Marcus Nora Otis Paloma"
        " Rafael Sofia Theo Ursula Viktor Willa Yara Zeno Agnes Boris Carmen Darius Esther".split()
    ),
    "last": tuple(
        "Okafor Lindqvist Moreau Petrov Castillo Nakamura Haddad Fischer Olsen Banerjee Rossi"
        " Kowalski Tanaka Mbeki Novak Silva Weber Dubois Ahmadi Jensen Carter Hughes Iyer Santos"
        " Keller Volkov Marino Larsen Chen Abebe Brandt Costa Durand Eriksen Ferrari Gupta Holm"
        " Ibarra Jarvis Kimura Lopez Mercer Ndiaye Ortega Pereira Quinn Reyes Sato Thorne".split()
    ),
    "project": tuple(
        "Falcon Juniper Harbor Meridian Copper Lantern Tundra Orchid Granite Saffron Beacon"
        " Willow Comet Ember Glacier Cobalt Marigold Summit Raven Onyx Aurora Bramble Cinder"
        " Driftwood Echo Foxglove Heron Indigo Jasper Kestrel".split()
    ),
    "role": (
        "lead engineer",
        "budget officer",
        "safety inspector",
        "head chef",
        "night manager",
        "legal adviser",
        "chief architect",
        "press officer",
        "field coordinator",
        "data steward",
        "quality auditor",
        "training lead",
        "site supervisor",
        "research director",
        "procurement manager",
        "security officer",
    ),
    "place": (
        "north warehouse",
        "server room",
        "archive",
        "east gate",
        "loading dock",
        "boiler room",
        "main laboratory",
        "greenhouse",
        "staff kitchen",
        "parking garage",
        "print shop",
        "roof terrace",
        "cold store",
        "reading room",
        "workshop",
        "visitor centre",
        "pump station",
        "mail room",
        "south hangar",
        "medical bay",
    ),
    "city": CITIES,
    "landmark": LANDMARKS,
    "item": (
        "new projectors",
        "office chairs",
        "fire doors",
        "a backup generator",
        "translation work",
        "roof repairs",
        "lab coats",
        "a delivery van",
        "water filters",
        "solar panels",
        "staff training",
        "a coffee machine",
        "security cameras",
        "winter tyres",
        "a software licence",
        "garden tools",
    ),
    "goods": tuple(
        "cables helmets lamps batteries gloves valves bricks pallets blankets tents ladders"
        " radios buckets printers monitors folders ropes filters seedlings hinges".split()
    ),
    "event": (
        "budget review",
        "fire drill",
        "board meeting",
        "design workshop",
        "harvest festival",
        "safety briefing",
        "product launch",
        "staff dinner",
        "audit interview",
        "open house",
        "hiring panel",
        "supplier visit",
        "quarterly review",
        "farewell party",
    ),
    "incident": (
        "water leak",
        "power cut",
        "broken window",
        "gas alarm",
        "blocked drain",
        "small fire",
        "network outage",
        "missing key",
        "forklift accident",
        "chemical spill",
        "false alarm",
        "lift failure",
    ),
    "colour": tuple("red blue green white black silver yellow orange purple grey".split()),
    "vehicle": tuple("van sedan pickup scooter bicycle motorbike minibus tractor".split()),
    "food": (
        "lentil soup",
        "grilled trout",
        "mushroom risotto",
        "tomato salad",
        "chicken curry",
        "onion tart",
        "noodle soup",
        "bean stew",
        "cheese omelette",
        "pumpkin pie",
        "spinach lasagne",
        "fried rice",
    ),
    "animal": tuple("cat parrot greyhound rabbit pony tortoise goat ferret hamster goose".split()),
    "weekday": tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()),
    "pet": tuple(
        "Biscuit Pepper Mango Nimbus Olive Pixel Rusty Sable Tofu Waffle Ziggy Clover".split()
    ),
}

# Endings of made-up words; what stands before them is drawn letter by letter.
ENDINGS = tuple(
    "ra dor lin ven mak tis rova bel nus gar wyn sel mir tek zan quay lund sby ford ric thal ova"
    " enko mund dine kari pesh rell ston vick yama zuri holt brook ique afi osh ung elle".split()
)

OPENINGS = (
    "",
    "Memo to all staff.",
    "Notes from this morning:",
    "Please keep this to yourself.",
    "Weekly update.",
    "A short summary of what was decided.",
    "For your records.",
    "Minutes of the last call.",
    "Hello team,",
    "To whom it may concern:",
)

FILLERS = (
    "The weather was mild.",
    "Nothing else was discussed.",
    "Further details will follow next week.",
    "Thank you for your patience.",
    "The old schedule no longer applies.",
    "Parking is limited, so come early.",
    "The canteen stays closed for cleaning.",
    "All other arrangements remain the same.",
    "Questions go to the front desk.",
    "The previous note had a typing error.",
)
