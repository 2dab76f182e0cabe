"""What is said in the conversations: scenes of a theme, each with its topic.

A line is `role: sentences`. Roles: `rep` hosts the call, `buyer` is the customer's first voice,
`other` anybody else. Words in braces are filled in for each call.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scene:
    """A piece of a conversation about one topic."""

    topic: str | None
    lines: tuple[tuple[str, tuple[str, ...]], ...]


# Per workspace: sellers find and win customers, the success team keeps them.
THEMES = (("discovery", "demo", "pricing"), ("onboarding", "renewal", "check-in"))

TITLES = {
    "discovery": ("Discovery call with {customer}", "{customer}: first conversation"),
    "demo": ("Product demo for {customer}", "{customer} - demo and questions"),
    "pricing": ("Pricing and terms with {customer}", "{customer}: commercial proposal"),
    "onboarding": ("Onboarding kick-off: {customer}", "{customer} onboarding, week {weeks}"),
    "renewal": ("Renewal conversation with {customer}", "{customer}: renewal in {month}"),
    "check-in": ("Quarterly check-in with {customer}", "{customer} check-in"),
}

OUTCOMES = {
    "discovery": ("Discovery", "Demo scheduled"),
    "demo": ("Evaluation", "Follow-up meeting agreed"),
    "pricing": ("Negotiation", "Proposal requested"),
    "onboarding": ("Onboarding", "Next milestone agreed"),
    "renewal": ("Renewal", "Renewal likely"),
    "check-in": ("Relationship", "No action needed"),
}

_OPENING = """
rep: Hi {buyer}, can you hear me all right? Good, thanks for making the time today.
buyer: Hi {rep}, yes, loud and clear. Glad we found a slot.
rep: Before we start, this call is recorded so that I can listen instead of typing. Is that okay with you?
buyer: Sure, no problem.
---
rep: Hello {buyer}, how is your week going?
buyer: Busy, but the good kind of busy. We are closing the quarter.
rep: Then I will keep us to the agenda and give you some minutes back.
"""

_CLOSING = """
rep: Let me sum up what I heard. I will send the notes and the next steps this afternoon.
buyer: Perfect. Could we meet again in {weeks} weeks?
rep: Absolutely, I will send an invitation. Thank you, {buyer}.
buyer: Thanks, {rep}. Talk soon.
---
rep: We are almost at time. What would you need from me to move forward?
buyer: A short summary that I can forward to my director. Nothing fancy.
rep: You will have it by tomorrow morning. Have a good rest of the day.
buyer: You too, bye.
"""

_SCENES = {
    ("discovery", "Current process"): """
rep: Walk me through how your team works today, from the first contact to the signature.
buyer: Honestly, most of it lives in spreadsheets. Every manager keeps a different one.
buyer: On Mondays somebody merges them, and by Tuesday they are wrong again.
rep: How long does that merge take?
buyer: Half a day, for two people. Nobody enjoys it.
""",
    ("discovery", "Pain points"): """
rep: If you could fix one thing this quarter, what would it be?
buyer: Forecasting. We missed our number by {percent} percent and nobody saw it coming.
other: And the handover. When a deal closes, the delivery team starts from zero.
rep: So the knowledge is there, but it stays in the heads of the sellers.
other: Exactly. We ask the customer the same questions twice, and they notice.
""",
    ("discovery", "Decision process"): """
rep: Who else looks at a decision like this one?
buyer: Finance for the budget and our security officer for the data questions.
buyer: I can say yes up to a certain amount, above that the board wants a paper.
rep: Would it help if I prepared that paper with you?
buyer: That would help a lot, yes.
""",
    ("discovery", "Timeline"): """
rep: Is there a date by which this should be in place?
buyer: We have a company meeting in {month}. I would love to show first results there.
rep: Counting back from that, we would start a trial in about {weeks} weeks.
buyer: That sounds realistic.
""",
    ("demo", "Product walkthrough"): """
rep: I am sharing my screen now. Do you see the dashboard?
buyer: Yes, I see a table with three columns.
rep: This is the view a team lead opens in the morning. Green means there was contact this week.
buyer: Can I filter that by region?
rep: You can. Watch the left side, I will pick two regions and the numbers follow.
""",
    ("demo", "Integrations"): """
other: How does this connect to our data warehouse?
rep: There is an interface that your engineers can read from. Most customers load it once a day.
other: And if a load fails in the middle of the night?
rep: It can be repeated for the same window. You would get the same rows again.
other: Good. That was the question our data team gave me.
""",
    ("demo", "Security"): """
other: Where is the data stored, and who can see it?
rep: You choose the region when you sign up. Access follows the roles that you define.
other: Do you support single sign-on?
rep: Yes, and we can walk through the questionnaire together if you send it over.
""",
    ("demo", "Reporting"): """
buyer: Our director only reads one page. Can the report be that short?
rep: It can be a single chart, if you like. Let me build one while we talk.
buyer: Oh, that was quick.
rep: You can have it sent every Monday at eight.
""",
    ("pricing", "Pricing"): """
rep: I put the proposal for {seats} seats on the screen. The price per seat is {price} dollars a month.
buyer: That is above what I have in the budget. What happens if we begin with fewer seats?
rep: The price per seat goes up a little, since the volume step starts at fifty.
buyer: And with a two year term?
rep: Then I can take {percent} percent off and keep the price fixed for both years.
""",
    ("pricing", "Competition"): """
buyer: To be open with you, we are comparing with one other vendor.
rep: Thank you for telling me. What do you like about their offer?
buyer: They are cheaper in the first year. But the support hours do not match ours.
rep: Let us put both on one page, including the second year.
""",
    ("pricing", "Contract terms"): """
other: Our legal team will ask about termination and about the liability cap.
rep: Both are in section four. I will send the document with the two places marked.
other: Please do. They need about {weeks} weeks for a review.
""",
    ("pricing", "Budget"): """
rep: Is the budget approved, or does it still need a signature?
buyer: Approved for this year. For next year I have to ask again in {month}.
rep: Then a start this quarter is the easier path for you.
buyer: It is. I would rather not open that discussion twice.
""",
    ("onboarding", "Project plan"): """
rep: Welcome on board. Today we agree on the plan and on who does what.
buyer: Great. From our side {other} will coordinate.
other: That is me. I have about a day per week for this.
rep: A day is enough. We set up accounts this week and invite the first {seats} people next week.
""",
    ("onboarding", "Setup"): """
rep: Could you open the settings page and tell me what you see under users?
other: It says that the directory is connected and eleven people were found.
rep: That should be more. Are the other teams in a separate group?
other: They are. One moment, I will add that group. Now it says {seats}.
rep: Perfect, that was the whole trick.
""",
    ("onboarding", "Training"): """
buyer: Some of my people are sceptical. They had three tools in two years.
rep: I hear that often. We start with a small group that wants it, and let them tell the others.
buyer: How long is the training?
rep: Forty-five minutes, and there is a recording for those who cannot come.
""",
    ("onboarding", "Data import"): """
other: We have {seats} thousand contacts in the old system. Do we have to clean them first?
rep: Duplicates are found during the import. You get a list and decide for each group.
other: And if something goes wrong?
rep: Nothing is overwritten. You can undo the whole import for seven days.
""",
    ("renewal", "Renewal"): """
rep: Your contract ends in {month}, so I would like to hear what should change.
buyer: We are happy in general. Usage is high in two teams and low in the third.
rep: I saw that. The third team lost its lead, right?
buyer: Yes, the new one starts next week. Let us invite them to a training.
""",
    ("renewal", "Value"): """
rep: When we began, the goal was to save half a day per week. Where are you now?
buyer: More than that. The Monday meeting went from ninety minutes to thirty.
other: And we found {percent} percent of our revenue in deals that nobody had touched for a month.
rep: May I use that number, without your name?
other: Without the name, yes.
""",
    ("renewal", "Pricing"): """
buyer: Finance asks for a discount, they always do.
rep: With {seats} seats you reach the next step, so the price drops to {price} dollars.
buyer: That is a fair offer. Does it hold if we sign before {month}?
rep: It does. I will put that into the paper.
""",
    ("renewal", "Risks"): """
rep: Is there anything that could stop the renewal?
buyer: A reorganisation is planned. I do not expect trouble, but decisions may take longer.
rep: Then we should agree on the paper early and leave only the signature for later.
""",
    ("check-in", "Adoption"): """
rep: I looked at your numbers before the call. {seats} people signed in last week.
buyer: That is better than I thought. The mobile team finally joined.
rep: They use the summaries most. Maybe the other teams do not know about them?
buyer: Probably not. I will mention it in our meeting on Thursday.
""",
    ("check-in", "Support"): """
other: We had two tickets that took longer than we hoped.
rep: I read them both. The first was our fault, and it was fixed on the same day in the end.
other: And the second?
rep: That needs a change on our side. It is planned for {month}, and I will keep you posted.
""",
    ("check-in", "Feature request"): """
buyer: My team asks for an export of the notes. Today they copy them by hand.
rep: How often do they need it?
buyer: Every day, for about {seats} records.
rep: Then the interface is the better way. I will connect you with our engineer.
""",
    ("check-in", "Next steps"): """
rep: Three things from my side: the training, the ticket and the export.
buyer: And from mine the list of new colleagues. You will have it in {weeks} weeks.
rep: Great, that fits.
""",
}


def _parse(topic: str | None, text: str) -> Scene:
    lines = []
    for line in text.strip().splitlines():
        role, _, words = line.partition(": ")
        parts = words.replace("? ", "?|").replace(". ", ".|").split("|")
        lines.append((role, tuple(parts)))
    return Scene(topic, tuple(lines))


OPENINGS = tuple(_parse(None, text) for text in _OPENING.split("---"))
CLOSINGS = tuple(_parse(None, text) for text in _CLOSING.split("---"))
SCENES = {
    theme: tuple(_parse(topic, text) for (of, topic), text in _SCENES.items() if of == theme)
    for themes in THEMES
    for theme in themes
}
