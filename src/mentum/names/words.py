"""Words in labels that belong to no scientific name: placeholders, stages, things, and names in plain English.

A word stands here only where no genus or epithet in use is spelled like it, or where mistaking it is the greater harm.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PLACEHOLDERS = _words(
    """
    unknown unknowns unidentified undetermined undet unid unsorted unsure uncertain unclear unassigned unlabelled
    unlabeled unclassified unrecognised unrecognizable unidentifiable indet indeterminate ind nd na nan null none nil
    nothing empty blank void background noise noisy debris detritus dirt dust trash rubbish garbage junk waste litter
    other others misc miscellaneous various mixed mixture rest remainder anything something thing things todo check
    test tests testing trial example examples sample samples placeholder dummy temp tmp new old copy backup final
    folder folders file files data dataset image images img photo photos picture pictures frame frames video videos
    sorted artefact artefacts artifact artifacts bubble bubbles air fibre fibres fiber fibers thread hair hairs
    scratch scratches particle particles grain grains sand mud silt sediment sediments stone stones gravel rock rocks
    soil mineral minerals crystal crystals plastic microplastic microplastics glass shard fragment fragments piece
    pieces remains broken damaged destroyed blurred blurry blur unfocused unsharp focus overexposed underexposed dark
    bright bad poor rejected reject discard discarded delete deleted remove ignore excluded exclude outlier outliers
    error errors wrong false negative positive negatives positives control calibration scale ruler label labels tag
    setup camera trap misfire vehicle vehicles car truck bicycle motorcycle person persons people human humans man
    woman men women hiker absent present no not some any specimen specimens object objects blob blobs spot spots
    shadow slide marker markers spike exotic plankton zooplankton phytoplankton microplankton seston subgenus section
    subsection series variety cultivar hybrid strain ecotype race breed form morph phase unk class category group
    cluster taxon taxa species genus family order type morphotype morphospecies otu bin unbekannt unbestimmt
    unbestimmbar sonstige sonstiges andere leer hintergrund inconnu inconnue indéterminé indetermine vide autre autres
    desconocido desconocida vacío vacio otro otros fondo desconhecido vazio outro outros sconosciuto vuoto altro altri
    onbekend overig okänd tom annat maybe possibly probably perhaps multiple mix rien nada nichts blanco sin identificar
    clasificar classer trier identifier flou unscharf borroso keine kein aucun ninguno
    """
)
"""What stands where a taxon's name is missing, and what lies on a slide or passes a camera besides organisms."""

UNDETERMINED = _words(
    "unknown unidentified undetermined undet unid indet ind indeterminate undiff undifferentiated stet inc unsp"
)
"""After (or before) the name of a higher taxon: nobody went further down."""

STAGES = _words(
    """
    female females male males hermaphrodite gynandromorph fem larva larvae larval pupa pupae pupal prepupa exuvia
    exuviae exuvium imago imagines imaginal subimago adult adults subadult juvenile juveniles juv immature immatures
    nymph nymphs nymphal naiad instar instars egg eggs embryo fry fingerling tadpole tadpoles chick chicks cub calf
    fawn foal lamb nauplius nauplii zoea megalopa veliger copepodite copepodid planula caterpillar maggot cocoon spat
    lv ad larv imm immat subad pup nymphe hatchling fledgling worker workers queen queens drone soldier soldiers caste
    seedling seedlings sapling ventral dorsal lateral frontal anterior posterior caudal oblique polar equatorial
    apical basal side left right front rear back top bottom above below view views habitus closeup macro detail upper
    lower head heads capsule mouthparts mandible mandibles mentum labrum labium maxilla antenna antennae eye eyes wing
    wings elytra elytron leg legs claw claws thorax abdomen genitalia hypopygium aedeagus gonopod tail skull jaw tooth
    teeth horn antler antlers fur feather feathers track tracks scat faeces feces dung nest nests burrow shell shells
    carcass skeleton bone bones leaf leaves flower flowers fruit fruits seed seeds bark stem root roots twig cone
    cones bud buds needle needles pollen spore spores tetrad tetrads monad monads wood tree trees canopy inflorescence
    infructescence dead alive live living fresh dried dry mounted slide stained pinned ethanol whole part parts body
    day night north south east west big small large tiny young weiblich männlich larve larven puppe mâle femelle
    adulte macho hembra
    """
)
"""Sex, stage, caste, view, body part, preparation and place: more than a name tells."""

_DESCRIPTIONS = _words(
    """
    red green blue yellow orange brown black white grey gray pink purple violet silver golden gold dark light bright
    pale spotted striped banded common great greater lesser little giant dwarf pygmy long short tailed eared footed
    winged billed crested horned bearded african american asian european eurasian indian chinese japanese australian
    northern southern eastern western domestic wild house field water sea river lake mountain forest desert snow
    arctic alpine garden meadow plains savanna savannah bush tree ground roe fallow musk honey bumble dung fruit horse
    stag true false mute barn sweet holy unripe ripe evergreen deciduous non non-biting biting stinging flying jumping
    """
)

_ORGANISMS = _words(
    """
    animal animals plant plants fungus mushroom mushrooms moss mosses lichen lichens alga algae diatom diatoms
    bacterium insect insects bug bugs beetle beetles weevil ladybird ladybug fly flies mayfly mayflies stonefly
    stoneflies caddis caddisfly caddisflies dragonfly dragonflies damselfly damselflies butterfly butterflies moth
    moths bee bees bumblebee wasp wasps hornet ant ants termite termites mosquito mosquitoes midge midges gnat gnats
    blackfly sandfly horsefly hoverfly cranefly aphid aphids cicada grasshopper cricket crickets locust cockroach
    earwig flea fleas louse lice spider spiders mite mites tick ticks scorpion harvestman centipede millipede
    woodlouse shrimp shrimps prawn crab crabs crayfish lobster copepod copepods barnacle krill snail snails slug slugs
    mussel mussels clam clams oyster limpet squid cuttlefish worm worms earthworm leech leeches jellyfish coral corals
    sponge urchin starfish fish fishes trout salmon carp pike perch eel herring cod tuna shark ray minnow stickleback
    frog frogs toad toads newt newts salamander snake snakes lizard lizards turtle turtles tortoise crocodile bird
    birds duck ducks goose geese swan swans heron stork crane gull gulls tern terns eagle eagles hawk hawks falcon
    falcons kestrel buzzard vulture owl owls pigeon pigeons dove doves parrot crow crows raven jay magpie sparrow
    sparrows finch finches warbler warblers thrush thrushes blackbird robin wren tit tits woodpecker kingfisher
    swallow chicken hen rooster turkey quail pheasant partridge grouse albatross penguin ostrich emu mammal mammals
    rodent rodents mouse mice rat rats vole voles shrew shrews mole moles hedgehog hedgehogs bat bats squirrel
    squirrels marmot beaver porcupine rabbit rabbits hare hares fox foxes wolf wolves coyote jackal dog dogs cat cats
    lion lions tiger tigers leopard leopards cheetah jaguar cougar bobcat wildcat ocelot bear bears raccoon badger
    badgers otter otters marten weasel stoat polecat skunk mongoose civet hyena meerkat deer boar pig pigs hog warthog
    peccary moose elk reindeer caribou antelope gazelle impala kudu wildebeest hartebeest waterbuck bushbuck duiker
    buffalo cow cows cattle bull ox sheep goat goats horse horses donkey mule camel giraffe elephant elephants rhino
    hippo tapir monkey monkeys ape apes baboon macaque chimpanzee gibbon kangaroo wallaby koala wombat possum opossum
    sloth armadillo anteater pangolin aardvark seal seals whale whales dolphin dolphins porpoise oak oaks beech birch
    birches alder elm maple maples willow willows poplar aspen hazel hornbeam lime linden pine pines spruce fir larch
    yew cedar cypress juniper holly ivy grass grasses sedge sedges rush reed reeds fern ferns horsetail nettle nettles
    plantain daisy dandelion thistle clover buttercup rose sunflower wheat barley rye oats maize corn rice weed weeds
    herb herbs shrub shrubs cereal cereals sorrel dock ragweed mugwort vogel vögel fuchs hund katze reh hirsch käfer
    fliege mücke zuckmücke spinne schmetterling biene bienen ameise falter maus hase igel dachs wildschwein pferd kuh
    schaf ziege ente blume baum pflanze pilz tier tiere insekt insekten oiseau oiseaux renard chien chat mouche abeille
    papillon fourmi araignée araignee scarabée coléoptère moustique poisson grenouille escargot chenille souris lapin
    lièvre loup cerf chevreuil sanglier blaireau canard plante fleur arbre champignon insecte insectes pájaro pájaros
    pajaro perro gato mariposa abeja mosca hormiga araña escarabajo zorro lobo ciervo jabalí jabali ratón
    raton conejo liebre pato flor árbol insecto insectos inseto pássaro cachorro uccello cane gatto volpe lupo
    cinghiale ragno farfalla insetto insetti vogels hert muis fågel räv älg
    """
)

_ALONE = _words("zebra paca gecko panda eland nyala serval bongo kob varia")
"""Common names that are epithets as well, as in *Equus zebra*."""

SURNAMES = _words(
    """
    banks berg bird bishop black bone bright brown buck bush corn crane crow dark day field fields finch fish forest
    fox glass gray green grey hair hare hawk head horn house king lamb leaf lion little long man marsh mole moss new
    north old pike poor ray reed rice robin rock root rose salmon sand seed silver small stone swan swift tag wasp
    west white wild wing wolf wood young
    """
)
"""Those of these words that authors of names bear."""

EVERYDAY = _DESCRIPTIONS | _ORGANISMS
"""Common names and the words that they are made of."""

_ENGLISH_ENDING = re.compile(r".*(?:ings?|(?<!in)ers|[ts]ions?|ness|less|ments?|ous|able|ful|ish|een|ght|ed)")
_LATIN_ENDING = re.compile(r".*(?:[aeiounmrx]|[aeiouynrp]s)")
_SURE_ENDING = re.compile(r".*(?:us|um|a|is|ops|ax|ex|ix|yx|os|as|odes|ides|ipes)")


def is_everyday(word: str) -> bool:
    """Whether a word alone is a common name or part of one.

    >>> is_everyday("Fox"), is_everyday("White-tailed"), is_everyday("Lynx")
    (True, True, False)
    """
    small = word.lower()
    return small in EVERYDAY or small in _ALONE or any(part in EVERYDAY for part in small.split("-") if part != small)


def could_be_latin(word: str) -> bool:
    """Whether a word ends as Latin names nearly always do.

    >>> could_be_latin("Chironomus"), could_be_latin("Acer"), could_be_latin("net"), could_be_latin("sampling")
    (True, True, False, False)
    """
    small = word.lower()
    return bool(_LATIN_ENDING.fullmatch(small)) and not is_english(small)


def is_english(word: str) -> bool:
    """Whether a word ends as English words do and Latin ones do not.

    >>> is_english("deciduous"), is_english("iners")
    (True, False)
    """
    return bool(_ENGLISH_ENDING.fullmatch(word.lower()))


def is_surely_latin(word: str) -> bool:
    """Whether a word ends as few words of other languages do.

    >>> is_surely_latin("Muntiacus"), is_surely_latin("House")
    (True, False)
    """
    return bool(_SURE_ENDING.fullmatch(word.lower()))
