"""Words from which people and companies are made; none of them exists."""

FIRST_NAMES = (
    *("Alex", "Sam", "Robin", "Kim", "Jordan", "Taylor", "Morgan", "Casey", "Jamie", "Riley"),
    *("Avery", "Quinn", "Charlie", "Drew", "Jules", "Kai", "Lee", "Max", "Nico", "Noa"),
    *("Pat", "Remy", "Sasha", "Toni", "Val", "Andrea", "Chris", "Dana", "Eli", "Frances"),
)
LAST_NAMES = (
    *("Fieldham", "Hillmoor", "Brookdale", "Stonefield", "Woodmarsh", "Lakeside", "Marshall-Lane"),
    *("Meadowley", "Forestham", "Riverend", "Daleford", "Heathway", "Moorland", "Shoreham-Bay"),
    *("Glenwater", "Parkmeadow", "Lanefield", "Ashgrove", "Birchfield", "Oakhurst-Dale"),
)
KINDS_OF_PLACEHOLDER = ("Example", "Sample", "Specimen", "Template", "Placeholder")
TRADES = (
    *("Logistics", "Foods", "Insurance", "Robotics", "Health"),
    *("Energy", "Textiles", "Education", "Travel", "Paper"),
)
CUSTOMERS = tuple(f"{kind} {trade}" for trade in TRADES for kind in KINDS_OF_PLACEHOLDER)
SELLER_TITLES = (
    *("Account Executive", "Senior Account Executive", "Customer Success Manager", "Sales Engineer"),
    *("Sales Development Representative", "Onboarding Specialist", "Account Manager"),
)
BUYER_TITLES = (
    *("Head of Operations", "IT Manager", "Procurement Lead", "VP of Sales", "Finance Director"),
    *("Data Engineer", "Team Lead", "Revenue Operations Manager", "Security Officer"),
)


def domain(customer: str) -> str:
    """Return the mail domain of a customer, inside a domain that is reserved for examples."""
    return f"{customer.lower().replace(' ', '-')}.example.com"


def telephone(number: int) -> str:
    """Return a telephone number out of the block that is reserved for fiction."""
    return f"+1-555-01{number % 100:02d}"
