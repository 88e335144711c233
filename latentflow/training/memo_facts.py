"""The facts memos hold: each kind's ways of being said and of being asked.

Pure data. Every list is split into a training and a test part by `memos`, so that a test memo
shares no template with training.
"""

from latentflow.training.fact_kind import FactKind

FACTS: dict[str, FactKind] = {
    "role": FactKind(
        statements=(
            "{person} is the {role} of Project {project}.",
            "The {role} of Project {project} is {person}.",
            "Project {project} has {person} as its {role}.",
            "{person} now serves as {role} for Project {project}.",
            "For Project {project}, the {role} will be {person}.",
        ),
        questions={
            "person": (
                "Who is the {role} of Project {project}?",
                "Which person is {role} for Project {project}?",
                "Name the {role} of Project {project}.",
            ),
            "project": (
                "Which project has {person} as {role}?",
                "On which project is {person} the {role}?",
            ),
            "role": (
                "What is the role of {person}?",
                "What does {person} do for Project {project}?",
            ),
        },
    ),
    "code": FactKind(
        statements=(
            "The access code for the {place} is {code}.",
            "Use code {code} to open the {place}.",
            "The {place} opens with code {code}.",
            "To enter the {place}, type {code}.",
            "Anyone who needs the {place} should use the code {code}.",
        ),
        questions={
            "code": (
                "What is the access code for the {place}?",
                "Which code opens the {place}?",
                "What code is needed for the {place}?",
            ),
            "place": ("What does code {code} open?", "For which place is the code {code}?"),
        },
    ),
    "meeting": FactKind(
        statements=(
            "The {event} takes place on {date} at {time} in room {room}.",
            "On {date} at {time} the {event} is held in room {room}.",
            "Room {room} is booked for the {event} on {date} at {time}.",
            "The {event} will start at {time} on {date}, room {room}.",
            "Please come to room {room} for the {event} on {date} at {time}.",
        ),
        questions={
            "date": (
                "On what date is the {event}?",
                "When does the {event} take place?",
                "What is the date of the {event}?",
            ),
            "time": ("At what time does the {event} start?", "What time is the {event}?"),
            "room": ("In which room is the {event}?", "Which room is used for the {event}?"),
        },
    ),
    "amount": FactKind(
        statements=(
            "{person} approved {amount} for {item}.",
            "{amount} for {item} was approved by {person}.",
            "A payment of {amount} for {item} was signed by {person}.",
            "{person} has set aside {amount} to pay for {item}.",
            "For {item}, {person} released {amount}.",
        ),
        questions={
            "amount": (
                "How much was approved for {item}?",
                "What amount goes to {item}?",
                "How much money did {person} approve?",
            ),
            "person": ("Who approved the money for {item}?", "Who signed for {item}?"),
            "item": ("What did {person} approve money for?", "What is the {amount} for?"),
        },
    ),
    "stock": FactKind(
        statements=(
            "The {place} holds {count} {goods}.",
            "There are {count} {goods} in the {place}.",
            "{count} {goods} are stored in the {place}.",
            "We counted {count} {goods} at the {place}.",
            "Stock at the {place}: {count} {goods}.",
        ),
        questions={
            "count": (
                "How many {goods} are in the {place}?",
                "What is the number of {goods} in the {place}?",
                "How many {goods} does the {place} hold?",
            ),
            "goods": ("What is stored in the {place}?", "Which goods does the {place} hold?"),
            "place": ("Where are the {goods} stored?", "Where can the {goods} be found?"),
        },
    ),
    "shipment": FactKind(
        statements=(
            "{count} {goods} leave {city1} for {city2} on {date}.",
            "On {date} a shipment of {count} {goods} goes from {city1} to {city2}.",
            "A truck with {count} {goods} departs {city1} on {date} and heads to {city2}.",
            "From {city1} we send {count} {goods} to {city2} on {date}.",
        ),
        questions={
            "city2": ("Where are the {goods} going?", "What is the destination of the {goods}?"),
            "city1": ("Where do the {goods} come from?", "From which city are the {goods} sent?"),
            "date": ("On what date are the {goods} sent?", "When do the {goods} leave {city1}?"),
            "count": ("How many {goods} are shipped?", "How many {goods} go to {city2}?"),
        },
    ),
    "incident": FactKind(
        statements=(
            "{person} reported a {incident} at the {place} at {time}.",
            "At {time} a {incident} at the {place} was reported by {person}.",
            "There was a {incident} in the {place}; {person} called it in at {time}.",
            "The {incident} in the {place} was noticed by {person} at {time}.",
        ),
        questions={
            "person": ("Who reported the {incident}?", "Which person noticed the {incident}?"),
            "place": ("Where was the {incident}?", "In which place did the {incident} happen?"),
            "time": ("At what time was the {incident} reported?", "When was the {incident}?"),
            "incident": ("What happened at the {place}?", "What did {person} report?"),
        },
    ),
    "contact": FactKind(
        statements=(
            "{person} can be reached at extension {extension}.",
            "The extension of {person} is {extension}.",
            "Call {person} on extension {extension}.",
            "Dial {extension} for {person}.",
        ),
        questions={
            "extension": (
                "What is the extension of {person}?",
                "At which extension can {person} be reached?",
                "Which number reaches {person}?",
            ),
            "person": ("Who has extension {extension}?", "Whose extension is {extension}?"),
        },
    ),
    "move": FactKind(
        statements=(
            "{person} has moved to the {city} office.",
            "{person} now works from {city}.",
            "The new base of {person} is {city}.",
            "From this week {person} is stationed in {city}.",
        ),
        questions={
            "city": (
                "In which city does {person} work?",
                "Where has {person} moved?",
                "Where is {person} based?",
            ),
            "city_country": (
                "In which country does {person} work?",
                "Which country did {person} move to?",
            ),
            "person": ("Who works in {city}?", "Who has moved to {city}?"),
        },
    ),
    "visit": FactKind(
        statements=(
            "{person} is at the {landmark}.",
            "{person} is visiting the {landmark}.",
            "We met {person} at the {landmark}.",
            "{person} sends greetings from the {landmark}.",
        ),
        questions={
            "landmark_country": (
                "Which country is {person} located in?",
                "In which country is {person}?",
                "Which country is {person} in?",
                "What country is {person} visiting?",
            ),
            "landmark": ("Where is {person}?", "Which sight does {person} see?"),
            "person": ("Who is at the {landmark}?", "Who visits the {landmark}?"),
        },
    ),
    "price": FactKind(
        statements=(
            "A box of {goods} costs {amount} at {company}.",
            "{company} sells a box of {goods} for {amount}.",
            "{company} charges {amount} for a box of {goods}.",
            "Price of a box of {goods} at {company}: {amount}.",
        ),
        questions={
            "amount": (
                "How much does a box of {goods} cost?",
                "What does {company} charge for {goods}?",
                "What is the price of {goods}?",
            ),
            "company": ("Who sells {goods}?", "Which company sells {goods}?"),
        },
    ),
    "schedule": FactKind(
        statements=(
            "{weekday}, {time}: {event} with {person}.",
            "On {weekday} at {time} {person} leads the {event}.",
            "The {event} with {person} is every {weekday} at {time}.",
            "{person} runs the {event} on {weekday} at {time}.",
        ),
        questions={
            "weekday": (
                "On which day is the {event}?",
                "What day does {person} have the {event}?",
                "Which weekday is the {event}?",
            ),
            "time": ("At what time is the {event}?", "When on {weekday} is the {event}?"),
            "person": ("Who leads the {event}?", "With whom is the {event}?"),
        },
    ),
    "record": FactKind(
        statements=(
            "Name: {person}. Badge: {code}. Desk: {room}.",
            "{person} | badge {code} | desk {room}",
            "Badge {code} and desk {room} belong to {person}.",
            "{person} (badge {code}) sits at desk {room}.",
        ),
        questions={
            "code": ("What is the badge of {person}?", "Which badge number has {person}?"),
            "room": ("At which desk does {person} sit?", "What is the desk of {person}?"),
            "person": ("Who has badge {code}?", "Who sits at desk {room}?"),
        },
    ),
    "vehicle": FactKind(
        statements=(
            "{person} drives a {colour} {vehicle} with plate {plate}.",
            "The {colour} {vehicle} with plate {plate} belongs to {person}.",
            "Plate {plate}: a {colour} {vehicle}, driven by {person}.",
            "{person} arrived in a {colour} {vehicle}, plate {plate}.",
        ),
        questions={
            "plate": ("What is the plate of {person}?", "Which plate does the {vehicle} have?"),
            "colour": (
                "What colour is the {vehicle} of {person}?",
                "What colour is plate {plate}?",
            ),
            "person": ("Who drives the {vehicle} with plate {plate}?", "Whose plate is {plate}?"),
        },
    ),
    "deadline": FactKind(
        statements=(
            "The deadline for Project {project} is {date}.",
            "Project {project} is due on {date}.",
            "We must deliver Project {project} by {date}.",
            "{date} is the last day for Project {project}.",
        ),
        questions={
            "date": (
                "What is the deadline for Project {project}?",
                "When is Project {project} due?",
                "By what date must Project {project} be delivered?",
            ),
            "project": ("Which project is due on {date}?", "What has to be done by {date}?"),
        },
    ),
    "lunch": FactKind(
        statements=(
            "For lunch {person} ordered the {food}.",
            "{person} asked for the {food}.",
            "The {food} is for {person}.",
            "{person} will have the {food} at table {count}.",
        ),
        questions={
            "food": ("What did {person} order?", "Which dish is for {person}?"),
            "person": ("Who ordered the {food}?", "Who is the {food} for?"),
        },
    ),
    "pet": FactKind(
        statements=(
            "{person} has a {animal} called {pet}.",
            "The {animal} of {person} is named {pet}.",
            "{pet} is the {animal} that belongs to {person}.",
            "{person} brought a {animal}, {pet}, to the office.",
        ),
        questions={
            "pet": (
                "What is the {animal} of {person} called?",
                "What is the name of the {animal}?",
            ),
            "animal": ("What kind of animal is {pet}?", "Which animal does {person} have?"),
            "person": ("Who owns the {animal} {pet}?", "Who does {pet} belong to?"),
        },
    ),
}
