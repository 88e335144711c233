"""Places that memos name and the countries they lie in: knowledge a sharer may have.

Pure data, split into a training and a test part by `memos`.
"""

_LANDMARKS = """
Egypt: Great Sphinx, Karnak Temple, TT52, KV17, Tomb of Nefertari, Mosque of Muhammad Ali
Italy: Porta San Paolo, Arch of Titus, Palazzo Vecchio, Porta Nuova, Basilica of San Vitale
Italy: Spanish Steps
Japan: Itsukushima Shrine, Himeji Castle, Daisen Kofun, Kinkaku-ji, Matsumoto Castle, Todai-ji
United States: Lincoln Memorial, Monticello, Alamo Mission, Independence Hall, Gateway Arch
United States: Old County Courthouse, First Baptist Church of Denver, Harper House Museum
Australia: Port Arthur, Flinders Street Station, Ballarat Fire Station, Fremantle Prison
Australia: Brisbane City Hall, Toowoomba Railway Station
United Kingdom: Stonehenge, Hadrian's Wall, Avebury Stone Circle, Dover Castle, Tower of London
United Kingdom: Menai Bridge
Brazil: Igreja de São Francisco, Christ the Redeemer, Museu do Ipiranga, Viaduto do Chá
Brazil: Forte de Copacabana
Spain: Puerta de Alcalá, Alhambra, Roman Bridge of Mérida, Sagrada Família, Castillo de Olite
France: Pont du Gard, Arc de Triomphe, Château de Chambord, Carnac Stones, Abbey of Cluny
Germany: Brandenburg Gate, Holstentor, Cologne Cathedral, Wartburg, Isartor, Heidelberg Castle
Sweden: Rök Runestone, Uppland Runic Inscription 11, Falun Mine, Drottningholm Palace
Sweden: Kalmar Castle
Denmark: Jelling Stones, Kronborg Castle, Rundetaarn, Danish Runic Inscription 66
Norway: Urnes Stave Church, Akershus Fortress, Nidaros Cathedral, Bryggen
Poland: Wawel Castle, Crane Gate, Malbork Castle, Wieliczka Salt Mine
Russia: Saint Basil's Cathedral, Peterhof Palace, Kizhi Pogost, Hermitage Museum
Turkey: Hagia Sophia, Temple of Artemis, Topkapi Palace, Library of Celsus, Galata Tower
Greece: Parthenon, Lion Gate, Temple of Hephaestus, Palace of Knossos, White Tower of Thessaloniki
India: Taj Mahal, Gateway of India, Qutb Minar, Hawa Mahal, Golden Temple
China: Great Wall, Temple of Heaven, Terracotta Army, Potala Palace, Summer Palace
Mexico: Chichen Itza, Palacio de Bellas Artes, Teotihuacan, Angel of Independence
Mexico: Catedral de Puebla
Peru: Machu Picchu, Chan Chan, Sacsayhuamán, Plaza Mayor of Lima
Portugal: Belém Tower, Dom Luís Bridge, Jerónimos Monastery, Torre dos Clérigos
Ireland: Newgrange, Rock of Cashel, Drombeg Stone Circle, Trinity College Library
Netherlands: Rijksmuseum, Anne Frank House, Waag, Kinderdijk windmills
Canada: Château Frontenac, CN Tower, Fort Henry, Peace Tower
Colombia: Monserrate Sanctuary, Castillo San Felipe de Barajas, Salt Cathedral of Zipaquirá
Argentina: Obelisco de Buenos Aires, Casa Rosada, Teatro Colón
Kosovo: Gračanica Monastery, Patriarchate of Peć, Visoki Dečani
Malta: Mnajdra, Tarxien Temples, Fort St Elmo
Austria: Schönbrunn Palace, Hofburg, Melk Abbey
Ukraine: Saint Sophia Cathedral of Kyiv, Golden Gate of Kyiv, Khotyn Fortress
Tanzania: House of Wonders, Kilwa Kisiwani, Stone Town of Zanzibar
Uruguay: Palacio Salvo, Estadio Centenario, Puerta de la Ciudadela
Albania: Rozafa Castle, Butrint, Skanderbeg Square
Bosnia and Herzegovina: Stari Most, Sebilj Fountain, Vratnik Fortress
North Macedonia: Kale Fortress, Stone Bridge of Skopje, Church of Saint John at Kaneo
"""

_CITIES = """
Portugal: Lisbon, Porto
Norway: Oslo, Bergen
Kenya: Nairobi
Ecuador: Quito
Japan: Osaka, Kyoto
Estonia: Tallinn
Belgium: Ghent
Latvia: Riga
Peru: Cusco
Senegal: Dakar
Vietnam: Hanoi
France: Lyon
Sweden: Malmo
Italy: Naples
Australia: Perth
Tunisia: Tunis
Lithuania: Vilnius
Croatia: Zagreb
Ghana: Accra
United Kingdom: Bristol
Ireland: Cork
United States: Denver
Germany: Essen
Morocco: Fez
Austria: Graz
Cuba: Havana
Turkey: Izmir
"""


def _by_place(listing: str) -> dict[str, str]:
    lines = (line.split(": ") for line in listing.strip().splitlines())
    return {place: country for country, places in lines for place in places.split(", ")}


COUNTRY_OF = _by_place(_LANDMARKS) | _by_place(_CITIES)
LANDMARKS = tuple(_by_place(_LANDMARKS))
CITIES = tuple(_by_place(_CITIES))
